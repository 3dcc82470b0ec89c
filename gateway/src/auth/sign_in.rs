//! The door at which passwords are shown: guessers wait outside, and only a few are looked at at a time.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fleet::{Timestamp, signature::Factor, text::Name};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::throttle::{Guess, Throttle, Wait};

/// So many passwords are hashed at once: each takes 19 MiB and a thread of the pool that the database needs too.
const AT_ONCE: usize = 2;
/// Nobody stands in the queue for longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The door. Clones are the same door.
#[derive(Debug, Clone)]
pub struct SignIn {
    throttle: Arc<Mutex<Throttle>>,
    places: Arc<Semaphore>,
}

/// Why nobody looks at the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignInProblem {
    /// Too many failures of this account or from this address.
    #[error("too many failed attempts; wait {} s and try again", .0.seconds())]
    Wait(Wait),
    /// More people sign in at this moment than there are places.
    #[error("too many people are signing in at this moment; try again")]
    Busy,
}

/// A place at the door, taken for one attempt. Unless it is said to have succeeded, it failed.
#[derive(Debug)]
pub struct Attempt {
    door: SignIn,
    guesses: Vec<Guess>,
    peer: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            throttle: Arc::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl SignIn {
    /// Waits for a place to try factors of one account.
    ///
    /// # Errors
    /// [`SignInProblem`] when the account or the address has to wait, or there is no place.
    pub async fn begin(
        &self,
        name: &Name,
        factors: &[Factor],
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, SignInProblem> {
        let guesses = Guess::at(name, factors);
        self.with(|throttle| throttle.begin(&guesses, peer, now))
            .map_err(SignInProblem::Wait)?;
        let place = timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        let Ok(Ok(place)) = place else {
            self.with(|throttle| throttle.withdrawn(&guesses, peer));
            return Err(SignInProblem::Busy);
        };
        Ok(Attempt {
            door: self.clone(),
            guesses,
            peer,
            _place: place,
        })
    }

    /// The counts stay sound whatever a thread that held them died of.
    fn with<T>(&self, work: impl FnOnce(&mut Throttle) -> T) -> T {
        work(&mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Attempt {
    /// Everything that was shown was right.
    pub fn succeeded(self) {
        self.door
            .with(|throttle| throttle.succeeded(&self.guesses, self.peer));
    }

    /// Nothing was proved right or wrong.
    pub fn withdrawn(self) {
        self.door
            .with(|throttle| throttle.withdrawn(&self.guesses, self.peer));
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[tokio::test]
    async fn only_so_many_are_looked_at_at_once() {
        let door = SignIn::default();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let admin = Name::new("admin").unwrap();
        let here: IpAddr = [10, 0, 0, 1].into();
        let first = door.begin(&admin, &[Factor::Password], here, now).await.unwrap();
        let _second = door.begin(&admin, &[Factor::Password], here, now).await.unwrap();
        assert_eq!(door.places.available_permits(), 0);
        first.succeeded();
        assert_eq!(door.places.available_permits(), 1);
    }

    #[tokio::test]
    async fn whom_nobody_looked_at_has_not_failed() {
        let door = SignIn::default();
        // Nobody waits for a place that will never be free.
        door.places.close();
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let admin = Name::new("admin").unwrap();
        for _ in 0..50 {
            let outcome = door
                .begin(&admin, &[Factor::Password], [10, 0, 0, 1].into(), now)
                .await;
            assert_eq!(outcome.unwrap_err(), SignInProblem::Busy);
        }
    }
}
