use super::{super::testing::openssl, *};

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn store() -> (tempfile::TempDir, FileKeyStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
    (dir, store)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_comes_back_the_same_and_openssl_can_read_it_too() {
    let (_dir, store) = store();
    let made = store.generate("root-1", &secret("open sesame")).unwrap();
    let path = store.path("root-1").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(&store.dir).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(fs::read_dir(&store.dir).unwrap().count(), 1);
    assert!(store.holds("root-1").unwrap() && !store.holds("root-2").unwrap());

    let read = store.load("root-1", &secret("open sesame")).unwrap();
    assert_eq!(read.public_key(), made.public_key());
    let file = path.to_str().unwrap();
    let public = openssl(
        &["pkey", "-in", file, "-passin", "pass:open sesame", "-pubout"],
        b"",
    );
    let public = pem::parse(public).unwrap();
    assert_eq!(public.contents(), made.public_key().subject_public_key_info());
    let shown = openssl(&["asn1parse", "-in", file], b"");
    for part in ["PBKDF2", "hmacWithSHA256", "aes-256-cbc"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn a_key_is_never_overwritten() {
    let (_dir, store) = store();
    let first = store.generate("device-1", &secret("a")).unwrap();
    assert!(matches!(
        store.generate("device-1", &secret("b")),
        Err(KeyError::Exists { .. })
    ));
    let kept = store.load("device-1", &secret("a")).unwrap();
    assert_eq!(kept.public_key(), first.public_key());

    // What a crash left half written does not stand in the way.
    let half = store.path("device-2").unwrap().with_extension("unfinished");
    fs::write(&half, "-----BEGIN").unwrap();
    store.generate("device-2", &secret("a")).unwrap();
    assert!(!half.exists());
}

#[test]
fn each_way_to_fail_has_its_own_error() {
    let (_dir, store) = store();
    store.generate("k", &secret("right")).unwrap();
    let path = store.path("k").unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let load = |passphrase: &str| store.load("k", &secret(passphrase)).unwrap_err();

    assert!(matches!(load("wrong"), KeyError::WrongPassphrase { .. }));
    assert!(matches!(load(""), KeyError::WrongPassphrase { .. }));
    assert!(matches!(
        store.load("other", &secret("right")),
        Err(KeyError::Missing { .. })
    ));
    assert!(matches!(
        store.load("../k", &secret("right")),
        Err(KeyError::Name { .. })
    ));
    assert!(matches!(
        store.generate("empty", &secret("")),
        Err(KeyError::EmptyPassphrase)
    ));
    assert!(!store.holds("empty").unwrap());

    for mode in [0o640, 0o604, 0o610] {
        set_mode(&path, mode);
        assert!(matches!(load("right"), KeyError::Exposed { mode: found, .. } if found == mode));
    }
    set_mode(&path, 0o600);

    let plain = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for damaged in [
        String::new(),
        good.replace("ENCRYPTED PRIVATE", "PRIVATE"),
        good.replacen("MI", "AA", 1),
        good[..good.len() / 2].to_owned(),
        plain,
    ] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(load("right"), KeyError::Corrupt { .. }));
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        load("right"),
        KeyError::Corrupt { what: "not text", .. }
    ));

    set_mode(&store.dir, 0o755);
    assert!(matches!(
        store.generate("new", &secret("right")),
        Err(KeyError::Exposed { .. })
    ));
}

#[test]
fn no_error_and_no_debug_output_holds_a_secret() {
    let (_dir, store) = store();
    let key = store.generate("k", &secret("open sesame")).unwrap();
    let error = store.load("k", &secret("open barley")).unwrap_err();
    assert_eq!(format!("{key:?}"), "FileKey { .. }");
    assert!(!format!("{error} {error:?}").contains("barley"));
}
