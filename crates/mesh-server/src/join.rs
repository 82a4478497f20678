//! The code of six letters by which a class comes in: it stands for the key, so that nobody has to type the key
//! and no projector shows it.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;

use mesh_core::time::Timestamp;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;

/// Letters that look and sound different on every keyboard. Without vowels and N they spell no words, and an input
/// method for Japanese leaves them as they are; Z is the first letter of shortcuts in some of them.
const LETTERS: &[u8; 13] = b"fghjkmprstwxy";
/// How many letters a code has: 3,234,816 codes.
const LENGTH: usize = 6;
/// A board that opens shows a code of this day.
const OPENING_AGE: i64 = 12 * 3_600_000;
/// A board that stays open gets another code after this time.
const LONGEST_AGE: i64 = 24 * 3_600_000;

/// Wrong codes are counted over this time, in milliseconds.
const WINDOW: i64 = 60_000;
/// How many wrong codes one address may try in that time. A class behind one address mistypes fewer.
const WRONG_PER_ADDRESS: u32 = 20;
/// How many wrong codes are answered in that time in all: half of the codes take more than nine days.
const WRONG_IN_ALL: u32 = 120;

/// The code that serves now, and who guessed how often.
#[derive(Default)]
pub struct JoinCode(Mutex<State>);

#[derive(Default)]
struct State {
    code: String,
    made: Option<Timestamp>,
    window: Option<Timestamp>,
    wrong: HashMap<IpAddr, u32>,
    wrong_in_all: u32,
}

/// Why a code does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not the code of today, or no board is open.
    Wrong,
    /// Too many wrong codes came before.
    TooOften,
}

impl JoinCode {
    /// The code for a board that opens now.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn for_opening_board(&self, now: Timestamp) -> io::Result<String> {
        self.0.lock().code(now, OPENING_AGE)
    }

    /// The code for a board that is open.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn current(&self, now: Timestamp) -> io::Result<String> {
        self.0.lock().code(now, LONGEST_AGE)
    }

    /// Checks a code that came from an address.
    ///
    /// # Errors
    ///
    /// When it is wrong, when `is_open` says that no board is open, or after too many wrong ones.
    pub fn check(&self, code: &str, address: IpAddr, now: Timestamp, is_open: bool) -> Result<(), Refusal> {
        let mut state = self.0.lock();
        state.turn_window(now);
        let from_there = state.wrong.get(&address).copied().unwrap_or(0);
        if from_there >= WRONG_PER_ADDRESS || state.wrong_in_all >= WRONG_IN_ALL {
            return Err(Refusal::TooOften);
        }
        let is_right: bool = state.code.as_bytes().ct_eq(code.as_bytes()).into();
        if is_right && is_open && !code.is_empty() {
            return Ok(());
        }
        state.wrong.insert(address, from_there + 1);
        state.wrong_in_all += 1;
        Err(Refusal::Wrong)
    }
}

impl State {
    fn code(&mut self, now: Timestamp, oldest: i64) -> io::Result<String> {
        let is_fresh = |made: Timestamp| (0..oldest).contains(&(now.as_millis() - made.as_millis()));
        if !self.made.is_some_and(is_fresh) {
            self.code = random_code()?;
            self.made = Some(now);
        }
        Ok(self.code.clone())
    }

    fn turn_window(&mut self, now: Timestamp) {
        let is_over = |began: Timestamp| !(0..WINDOW).contains(&(now.as_millis() - began.as_millis()));
        if self.window.is_none_or(is_over) {
            self.window = Some(now);
            self.wrong.clear();
            self.wrong_in_all = 0;
        }
    }
}

/// Six letters, no two equal ones side by side: an input method for Japanese would make another letter of them.
fn random_code() -> io::Result<String> {
    let mut letters: Vec<u8> = Vec::with_capacity(LENGTH);
    while letters.len() < LENGTH {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(|error| io::Error::other(error.to_string()))?;
        // Numbers that are no letter's are thrown away, so that all letters are equally likely.
        let letter = LETTERS.get(usize::from(byte[0] % 16)).copied();
        letters.extend(letter.filter(|letter| letters.last() != Some(letter)));
    }
    Ok(letters.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn a_code_is_six_letters_that_an_input_method_leaves_alone() {
        for _ in 0..200 {
            let code = random_code().unwrap();
            assert_eq!(code.len(), LENGTH);
            assert!(code.bytes().all(|letter| LETTERS.contains(&letter)), "{code}");
            assert!(code.as_bytes().windows(2).all(|pair| pair[0] != pair[1]), "{code}");
        }
    }

    #[test]
    fn a_code_is_new_each_day_and_never_changes_in_a_lesson() {
        let join = JoinCode::default();
        let first = join.for_opening_board(at(0)).unwrap();
        assert_eq!(join.for_opening_board(at(11 * HOUR)).unwrap(), first, "a page that is loaded again");
        assert_eq!(join.current(at(23 * HOUR)).unwrap(), first, "a board that stays open");
        let second = join.for_opening_board(at(23 * HOUR)).unwrap();
        assert_ne!(second, first);
        assert_ne!(join.current(at(47 * HOUR)).unwrap(), second);
        assert_eq!(join.check(&first, address(1), at(47 * HOUR), true), Err(Refusal::Wrong));
    }

    #[test]
    fn a_code_serves_while_a_board_is_open() {
        let join = JoinCode::default();
        assert_eq!(join.check("", address(1), at(0), true), Err(Refusal::Wrong), "before the first board");
        let code = join.for_opening_board(at(0)).unwrap();
        assert_eq!(join.check(&code, address(1), at(1), true), Ok(()));
        assert_eq!(join.check(&code, address(1), at(1), false), Err(Refusal::Wrong));
    }

    #[test]
    fn guesses_are_limited_by_address_and_in_all() {
        let join = JoinCode::default();
        let code = join.for_opening_board(at(0)).unwrap();
        for _ in 0..WRONG_PER_ADDRESS {
            assert_eq!(join.check("aaaaaa", address(1), at(0), true), Err(Refusal::Wrong));
        }
        assert_eq!(join.check(&code, address(1), at(0), true), Err(Refusal::TooOften));
        assert_eq!(join.check(&code, address(2), at(0), true), Ok(()), "others are not held up");
        for guess in 0..WRONG_IN_ALL - WRONG_PER_ADDRESS {
            let from = address(u8::try_from(3 + guess % 100).unwrap());
            assert_eq!(join.check("aaaaaa", from, at(0), true), Err(Refusal::Wrong));
        }
        assert_eq!(join.check(&code, address(2), at(0), true), Err(Refusal::TooOften));
        assert_eq!(join.check(&code, address(1), at(WINDOW), true), Ok(()), "a minute later");
    }
}
