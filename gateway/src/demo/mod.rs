//! `gateway demo`: a hospital, a gateway and its pumps on this machine, and a story that shows what it does.
//!
//! Everything is real: the gateway is the one `gateway serve` starts, the pumps speak the pump contract over loopback and
//! know nothing of the gateway's insides, and every step goes through the staff API as a person's would.

mod desk;
mod mend;
mod narrator;
mod people;
mod rollout;
mod stage;
mod story;

use std::error::Error;

use crate::cli::DemoArgs;

use narrator::Narrator;
use stage::Stage;

/// The command.
///
/// # Errors
/// Whatever kept the story from coming to its end.
pub fn run(args: &DemoArgs) -> Result<(), Box<dyn Error + Send + Sync>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(tell(args))
}

async fn tell(args: &DemoArgs) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut narrator = Narrator::new();
    let stage = Stage::set(args, &mut narrator).await?;
    let told = story::tell(&stage, &mut narrator).await;
    let counts = match told {
        Ok(counts) => counts,
        Err(error) => {
            stage.strike().await;
            return Err(error);
        }
    };
    if !args.unattended {
        stage.invite(&mut narrator).await?;
        tokio::signal::ctrl_c().await?;
    }
    narrator.step("The curtain falls")?;
    let therapy_interruptions = stage.strike().await;
    narrator.say("Pumps said goodbye, what they had sent last was recorded, and the gateway has stopped.")?;
    narrator.counts(&counts, therapy_interruptions)?;
    Ok(())
}
