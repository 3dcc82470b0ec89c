//! The files of the pages: in the binary, under a name that changes with their content, kept by browsers for ever.

use std::sync::LazyLock;

use actix_web::{HttpResponse, get, http::header, web::Path};
use sha2::{Digest, Sha256};

use super::Answer;
use crate::api::problem::{Problem, ProblemCode};

/// A file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asset {
    Style,
    Script,
    Mark,
}

impl Asset {
    const ALL: [Self; 3] = [Self::Style, Self::Script, Self::Mark];

    const fn content(self) -> &'static str {
        match self {
            Self::Style => include_str!("asset/style.css"),
            Self::Script => include_str!("asset/app.js"),
            Self::Mark => include_str!("asset/mark.svg"),
        }
    }

    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Style => ("style", "css"),
            Self::Script => ("app", "js"),
            Self::Mark => ("mark", "svg"),
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Mark => "image/svg+xml",
        }
    }

    /// Where it is, in this version of it.
    pub(super) fn path(self) -> &'static str {
        static PATHS: LazyLock<Vec<(Asset, String)>> = LazyLock::new(|| {
            let path = |asset: Asset| {
                let hash = hex::encode(Sha256::digest(asset.content()));
                let (name, extension) = asset.name();
                (
                    asset,
                    format!(
                        "/assets/{name}.{}.{extension}",
                        &hash.get(..16).unwrap_or_default()
                    ),
                )
            };
            Asset::ALL.map(path).to_vec()
        });
        PATHS
            .iter()
            .find(|(asset, _)| *asset == self)
            .map_or("", |(_, path)| path.as_str())
    }
}

/// A file; never another version of it than was asked for.
#[get("/assets/{name}")]
pub(super) async fn serve(name: Path<String>) -> Answer {
    let wanted = format!("/assets/{name}");
    let asset = Asset::ALL
        .into_iter()
        .find(|asset| asset.path() == wanted)
        .ok_or_else(|| Problem::new(ProblemCode::NoSuchRoute, "there is no such file"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .content_type(asset.media_type())
        .body(asset.content()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_first_visit_loads_is_small() {
        assert!(Asset::Script.content().len() < 15_000);
        let all: usize = Asset::ALL.iter().map(|asset| asset.content().len()).sum();
        assert!(all < 50_000, "{all}");
    }

    #[test]
    fn no_file_asks_for_anything_elsewhere() {
        for asset in Asset::ALL {
            let text = asset.content().replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://"), "{asset:?}");
            assert!(!text.contains("@import"), "{asset:?}");
        }
    }
}
