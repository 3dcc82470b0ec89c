use std::io;

use serde::de::IgnoredAny;

use super::*;

const SMALL: Limits = Limits {
    bytes: 1_000,
    depth: 4,
    string: 100,
};

fn refuse(bytes: &[u8]) -> String {
    json(bytes, SMALL, std::marker::PhantomData::<IgnoredAny>)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_hostile_file_is_refused_with_a_reason() {
    let check = |bytes: &[u8], expected: &str| assert_eq!(refuse(bytes), expected);
    check(b"", "it is empty; carry the file in again");
    check(
        b"\xEF\xBB\xBF{}",
        "it is encoded as UTF-8 with a byte order mark; save it as UTF-8 without a byte order mark",
    );
    check(
        b"\xFF\xFE{\0}\0",
        "it is encoded as UTF-16; save it as UTF-8 without a byte order mark",
    );
    check(
        b"\0{\0}",
        "it is encoded as UTF-16; save it as UTF-8 without a byte order mark",
    );
    check(
        b"{\0}\0",
        "it is encoded as UTF-16; save it as UTF-8 without a byte order mark",
    );
    check(
        b"PK\x03\x04..",
        "it is encoded as a zip archive (unpack it first); save it as UTF-8 without a byte order mark",
    );
    check(b"{\"a\":\"Andr\xE9\"}", "byte 10 is not UTF-8; save it as UTF-8");
    check(
        b"[[[[[]]]]]",
        "at byte 5 more than 4 objects or arrays lie within one another; such a file is not genuine",
    );
    check(
        format!("[\"{}\"]", "x".repeat(101)).as_bytes(),
        "the string or number before byte 103 is longer than 100 bytes; such a file is not genuine",
    );
    check(
        format!("[{}]", "1".repeat(101)).as_bytes(),
        "the string or number before byte 102 is longer than 100 bytes; such a file is not genuine",
    );
    check(
        "[1,2],".repeat(200).as_bytes(),
        "it is larger than 1000 bytes; split it or check that it is the right file",
    );
    check(b"[1,", "it ends in the middle, at line 1; carry it in again");
    check(
        b"{} {}",
        "it is not JSON at line 1, column 4: trailing characters",
    );
    check(b"{\n\"a\" 1}", "it is not JSON at line 2, column 5: expected `:`");
}

#[test]
fn brackets_within_strings_do_not_count_and_cut_characters_are_joined() {
    struct Dribble<'a>(&'a [u8]);
    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1).min(buffer.len());
            let (now, later) = self.0.split_at(length);
            buffer[..length].copy_from_slice(now);
            self.0 = later;
            Ok(length)
        }
    }
    let text = "[\"[[[[[[ \\\"[[[ 💉é\"]";
    let read: Vec<String> = json(Dribble(text.as_bytes()), SMALL, std::marker::PhantomData).unwrap();
    assert_eq!(read, ["[[[[[[ \"[[[ 💉é"]);
    let cut = "[\"é\"]".as_bytes();
    assert_eq!(
        json(Dribble(&cut[..3]), SMALL, std::marker::PhantomData::<IgnoredAny>).unwrap_err(),
        Fault::NotUtf8 { offset: 3 }
    );
    let mark = json(
        Dribble(b"\xEF\xBB\xBF{}"),
        SMALL,
        std::marker::PhantomData::<IgnoredAny>,
    )
    .unwrap_err();
    assert!(matches!(mark, Fault::Encoding { .. }), "{mark}");
}

/// An endless file: had the guard not stopped, this test would not end.
#[test]
fn a_file_without_end_is_stopped_at_the_limit() {
    let endless = io::Read::chain(&b"["[..], io::repeat(b' '));
    let limits = Limits {
        string: u64::MAX,
        ..SMALL
    };
    assert_eq!(
        json(endless, limits, std::marker::PhantomData::<IgnoredAny>).unwrap_err(),
        Fault::TooLarge { limit: 1_000 }
    );
}

#[test]
fn a_list_is_bounded_and_a_wrong_type_says_where() {
    #[derive(Debug, serde::Deserialize)]
    struct Outer {
        #[serde(default, deserialize_with = "at_most::<2, _, _>")]
        inner: Vec<u8>,
    }
    let check = |text: &str, expected: &str| {
        let fault = json(text.as_bytes(), SMALL, std::marker::PhantomData::<Outer>).unwrap_err();
        assert_eq!(fault.to_string(), expected);
    };
    check(
        "{\"inner\":[1,2,3]}",
        "inner (line 1) does not fit: the list has more than 2 entries",
    );
    check(
        "{\"inner\":[1,\"x\"]}",
        "inner[1] (line 1) does not fit: invalid type: string \"x\", expected u8",
    );
    check(
        "{\"inner\":[],\n\"inner\":[]}",
        "the whole document (line 2) does not fit: duplicate field `inner`",
    );
    let fine = json(
        &b"{\"inner\":[1,2]}"[..],
        SMALL,
        std::marker::PhantomData::<Outer>,
    )
    .unwrap();
    assert_eq!(fine.inner, [1, 2]);
}
