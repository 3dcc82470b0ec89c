use proptest::prelude::*;

use super::*;

fn problems(text: &str) -> Vec<String> {
    parse(text.as_bytes())
        .unwrap_err()
        .into_iter()
        .map(|p| format!("{}:{}: {}", p.line, p.column.unwrap_or("-"), p.problem))
        .collect()
}

#[test]
fn what_spreadsheets_do_to_a_file_survives() {
    let plain =
        "serial,manufacturer,model,asset tag,care area\nSN-1,Acme,\"Volumat, LVP\",BM-1,\"4 \"\"West\"\"\"\n";
    let expected = parse(plain.as_bytes()).unwrap();
    assert_eq!(expected[0].model.as_str(), "Volumat, LVP");
    assert_eq!(expected[0].care_area.as_ref().unwrap().as_str(), "4 \"West\"");
    for text in [
        "\u{FEFF}Serial Number,Maker,Model,Asset-Tag,Ward\r\nSN-1,Acme,\"Volumat, LVP\",BM-1,\"4 \"\"West\"\"\"\r\n\r\n,,,,\r\n",
        "serial;manufacturer;model;asset_tag;care_area\nSN-1;Acme;Volumat, LVP;BM-1;\"4 \"\"West\"\"\"",
        "serial\tmanufacturer\tmodel\tasset_tag\tcare_area\n SN-1 \tAcme\tVolumat, LVP\tBM-1\t\"4 \"\"West\"\"\"\n",
    ] {
        let rows = parse(text.as_bytes()).unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].says_the_same(&expected[0]), "{text:?} gave {rows:?}");
    }
}

#[test]
fn hostile_cells_are_kept_as_text_and_our_own_apostrophe_comes_off() {
    let rows =
        parse(b"serial,manufacturer,model\n=cmd|' /C calc'!A0,'=Acme,\"\xF0\x9F\x92\x89, pump\"\n").unwrap();
    assert_eq!(rows[0].serial.as_str(), "=cmd|' /C calc'!A0");
    assert_eq!(rows[0].manufacturer.as_str(), "=Acme");
    assert_eq!(rows[0].model.as_str(), "💉, pump");
}

#[test]
fn each_problem_is_named_with_its_line_and_column() {
    insta::assert_debug_snapshot!(problems(
        "serial,manufacturer,model,asset_tag,udi,mac\n\
         SN-1,Acme,V,BM-1,(01)09504000059117,00:1a:2b:00:00:01\n\
         ,Acme,V,BM-2,,nonsense\n\
         SN-3,Acme,V\n\
         SN-4,Acme,V,BM-4,,00:1a:2b:00:00:04\n\
         SN-4,Acme,V,BM-4,,00:1a:2b:00:00:04\n"
    ));
    insta::assert_debug_snapshot!([
        problems(""),
        problems("serial,manufacturer\nx,y"),
        problems("serial,manufacturer,model,colour\n"),
        problems("serial,manufacturer,model,sn\n"),
    ]);
    assert_eq!(
        parse(b"serial,manufacturer,model\nSN-1,M\xFCller,V\n").unwrap_err()[0].line,
        2
    );
}

#[test]
fn lines_are_numbered_as_an_editor_numbers_them() {
    for end in ["\n", "\r\n"] {
        let text = [
            "serial,manufacturer,model",
            "A,\"M",
            "M\",V",
            "",
            ",M,V",
            "",
            ",M,V",
            "",
        ]
        .join(end);
        let lines: Vec<_> = parse(text.as_bytes())
            .unwrap_err()
            .iter()
            .map(|p| p.line)
            .collect();
        // The name with a line end in it is refused on the line where its record begins.
        assert_eq!(lines, [2, 5, 7], "{text:?}");
    }
}

#[test]
fn a_flood_of_problems_is_cut_off() {
    let mut text = "serial,manufacturer,model\n".to_owned();
    text.push_str(&",,\u{1},\n".repeat(5_000));
    assert!(parse(text.as_bytes()).unwrap_err().len() <= MAX_PROBLEMS);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_lines_panic(tail in "[\"',;\t\r\nA-z0-9=+@ ]{0,200}") {
        let _ = parse(format!("serial,manufacturer,model,mac,udi\n{tail}").as_bytes());
    }
}
