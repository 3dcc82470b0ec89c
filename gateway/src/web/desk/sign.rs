//! What a signature takes, and giving one: for a rollout as a whole, and for each part of a release from a hold.

use actix_web::{
    HttpRequest,
    web::{Data, Form, Path},
};
use askama::Template;
use fleet::{
    id::RolloutId,
    rollout::spec::{LimitsSpec, Spec},
    signature::{Digest, Meaning, RequiredFactors, SubjectKind},
    text::Reason,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::{Fact, again};
use crate::{
    api::{
        me::guarded,
        problem::{Problem, ProblemCode},
    },
    command::{CommandError, factor, sign, subject},
    web::{Answer, Web, form::Note, frame::Frame, gate::Visitor, page as rendered, page::Page, see, words},
};

/// What is shown to somebody who signs.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the form, or is not"
)]
pub(super) struct Ceremony {
    pub(super) version: i64,
    pub(super) content_hash: String,
    /// Why it can not be signed now.
    pub(super) obstacle: Option<String>,
    pub(super) asks_password: bool,
    pub(super) asks_pin: bool,
    pub(super) asks_code: bool,
    /// They have nothing to sign with.
    pub(super) without_second: bool,
}

impl Ceremony {
    /// As it is at this moment, for whoever looks.
    pub(super) async fn of(
        web: &Data<Web>,
        visitor: &Visitor,
        kind: SubjectKind,
        id: Uuid,
        meaning: Meaning,
    ) -> Result<Self, Problem> {
        let session = visitor.caller.identified.session.clone();
        let actor = visitor.caller.actor.clone();
        let account = visitor.caller.identified.principal.account;
        web.run(move |app| {
            let now = app.now();
            let (shown, account) = app.store.read(|db| {
                let shown = subject::show(db, kind, id, Some(meaning), now);
                Ok((shown, db.account_fetch(account)?))
            })?;
            let shown = shown?;
            let takes = session
                .as_ref()
                .map_or(RequiredFactors::PasswordAndSecond, |session| {
                    sign::takes(session, &actor, now)
                });
            let (pin, code) = (account.pin_hash.is_some(), account.totp_sealed.is_some());
            let both = takes == RequiredFactors::PasswordAndSecond;
            let own = shown.authors.contains(&account.id);
            Ok::<_, CommandError>(Self {
                version: shown.subject.version,
                content_hash: shown.subject.content_hash.to_string(),
                obstacle: match shown.obstacle {
                    Some(obstacle) => Some(obstacle.to_string()),
                    None if own => Some("it is your own work, and takes another person".to_owned()),
                    None => None,
                },
                asks_password: both || !pin,
                asks_pin: pin,
                asks_code: both && !pin && code,
                without_second: both && !pin && !code,
            })
        })
        .await
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

fn none() -> SecretString {
    SecretString::from(String::new())
}

fn given(text: SecretString) -> Option<SecretString> {
    (!text.expose_secret().is_empty()).then_some(text)
}

/// Which button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Say {
    Sign,
    NotNow,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Signing {
    say: Say,
    version: i64,
    content_hash: Digest,
    #[serde(default)]
    comment: String,
    #[serde(default = "none", deserialize_with = "secret")]
    password: SecretString,
    #[serde(default = "none", deserialize_with = "secret")]
    pin: SecretString,
    #[serde(default = "none", deserialize_with = "secret")]
    code: SecretString,
}

/// Signs, or says `not now`, as a form said it. What was remarked comes back with what went wrong.
pub(super) async fn carry_out(
    web: &Data<Web>,
    visitor: &Visitor,
    request: &HttpRequest,
    (kind, id, meaning): (SubjectKind, Uuid, Meaning),
    filled: Signing,
) -> Result<(), (Problem, String)> {
    let text = filled.comment.clone();
    answer(web, visitor, request, (kind, id, meaning), filled)
        .await
        .map_err(|problem| (problem, text))
}

async fn answer(
    web: &Data<Web>,
    visitor: &Visitor,
    request: &HttpRequest,
    (kind, id, meaning): (SubjectKind, Uuid, Meaning),
    filled: Signing,
) -> Result<(), Problem> {
    let comment = match filled.comment.trim() {
        "" => None,
        text => Some(
            Reason::new(text).map_err(|error| Problem::new(ProblemCode::InvalidValue, error.to_string()))?,
        ),
    };
    let actor = visitor.caller.actor.clone();
    let mut wanted = sign::Wanted {
        kind,
        id,
        version: filled.version,
        content_hash: filled.content_hash,
        meaning,
        care_area: None,
        comment: None,
    };
    match filled.say {
        Say::NotNow => {
            let reason = comment.ok_or(CommandError::ReasonNeeded)?;
            web.run(move |app| sign::not_now(app, &actor, &wanted, &reason).map(drop))
                .await
        }
        Say::Sign => {
            wanted.comment = comment;
            let shown = factor::Shown {
                password: given(filled.password),
                totp: given(filled.code),
                pin: given(filled.pin),
            };
            guarded(
                web.api(),
                request,
                &visitor.caller,
                &shown.factors(),
                move |app| sign::sign(app, &actor, &wanted, &shown).map(drop),
            )
            .await
        }
    }
}

#[derive(Template)]
#[template(path = "desk_approve.html")]
struct ApprovePage {
    frame: Frame,
    note: Note,
    of: String,
    facts: Vec<Fact>,
    waves: Vec<String>,
    ceremony: Ceremony,
    label: &'static str,
    remark: String,
}

async fn approve_page(
    web: &Data<Web>,
    visitor: &Visitor,
    id: RolloutId,
    note: Note,
    remark: String,
) -> Result<ApprovePage, Problem> {
    let ceremony = Ceremony::of(
        web,
        visitor,
        SubjectKind::Rollout,
        id.as_uuid(),
        Meaning::RolloutApproved,
    )
    .await?;
    let (row, release, author, waves, counts) = web
        .run(move |app| {
            app.store.read(|db| {
                let row = db.rollout_fetch(id)?;
                let release = db.release_fetch(row.release)?;
                let author = db.account_fetch(row.author)?;
                let waves = db.wave_of(&[id])?;
                let counts = db.assignment_standing(&[id])?;
                Ok((row, release, author, waves, counts))
            })
        })
        .await?;
    let clock = super::Clock::of(web.app());
    let spec: Option<Spec> = serde_json::from_value(row.spec.clone()).ok();
    let mut facts = vec![
        Fact {
            name: "Release".to_owned(),
            value: format!("{} {}", release.name, release.version),
        },
        Fact {
            name: "Pumps".to_owned(),
            value: format!("{} in {} waves", words::pumps(counts.len()), waves.len()),
        },
        Fact {
            name: "Written by".to_owned(),
            value: author.printed_name.to_string(),
        },
        Fact {
            name: "Not before".to_owned(),
            value: clock.say(row.begins_at),
        },
    ];
    if let Some(emergency) = &row.emergency {
        facts.push(Fact {
            name: "Emergency".to_owned(),
            value: emergency.to_string(),
        });
    }
    facts.extend(spec.as_ref().into_iter().flat_map(|spec| bounds(&spec.limits)));
    let of_wave = |wave: &store::WaveRecord| {
        let count = counts.iter().filter(|one| one.wave == wave.id).count();
        format!("{}. {}: {}", wave.number, wave.name, words::pumps(count))
    };
    let back = format!("/rollouts/{id}");
    Ok(ApprovePage {
        frame: Frame::of(web, visitor)
            .titled(Page::RolloutApprove.title())
            .below(back, row.name.as_str()),
        note,
        of: row.name.to_string(),
        facts,
        waves: waves.iter().map(of_wave).collect(),
        ceremony,
        label: "Approve this rollout",
        remark,
    })
}

/// The bounds that an approval vouches for, as people say them.
fn bounds(limits: &LimitsSpec) -> Vec<Fact> {
    let limits = limits.complete();
    vec![
        Fact {
            name: "Halts".to_owned(),
            value: format!(
                "when more than {} of a wave failed, at least {}",
                limits.failure_share, limits.failure_count
            ),
        },
        Fact {
            name: "Next wave".to_owned(),
            value: format!(
                "when {} are verified and it was watched for {} h",
                limits.verified_share,
                limits.soak.num_hours()
            ),
        },
        Fact {
            name: "At once".to_owned(),
            value: format!("at most {} pumps out of service", limits.updates_at_once),
        },
    ]
}

pub(in crate::web) async fn approve_form(web: Data<Web>, visitor: Visitor, id: Path<RolloutId>) -> Answer {
    rendered(&approve_page(&web, &visitor, *id, None, String::new()).await?)
}

pub(in crate::web) async fn approve(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    id: Path<RolloutId>,
    filled: Form<Signing>,
) -> Answer {
    let of = (SubjectKind::Rollout, id.as_uuid(), Meaning::RolloutApproved);
    match carry_out(&web, &visitor, &request, of, filled.into_inner()).await {
        Ok(()) => Ok(see(&format!("/rollouts/{}", *id))),
        Err((problem, remark)) => {
            let note = Some(words::problem(&problem));
            again(&approve_page(&web, &visitor, *id, note, remark).await?, &problem)
        }
    }
}
