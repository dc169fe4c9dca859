//! Contexts, `user:role:type:level`, and the pairs of categories that tell one guest from another (sVirt).

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// A context. The level is what a policy with multi-category security has behind the type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// User, role and type.
    kind: String,
    level: Option<String>,
}

impl Context {
    /// Reads a context; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = text.splitn(4, ':');
        let named = [parts.next()?, parts.next()?, parts.next()?];
        if named.iter().any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
            return None;
        }
        Some(Self { kind: named.join(":"), level: parts.next().map(str::to_owned) })
    }

    /// The same user, role and type at another level.
    pub fn at(&self, level: &str) -> Self {
        Self { kind: self.kind.clone(), level: Some(level.to_owned()) }
    }

    /// The same user, role and level with another type.
    pub fn with_type(&self, name: &str) -> Self {
        let (user_and_role, _) = self.kind.rsplit_once(':').unwrap_or_default();
        Self { kind: format!("{user_and_role}:{name}"), level: self.level.clone() }
    }

    /// The level, if the context has one.
    pub fn level(&self) -> Option<&str> {
        self.level.as_deref()
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.level.as_ref().map_or(Ok(()), |level| write!(f, ":{level}"))
    }
}

/// The categories that the service may give: those of its own level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: u16,
    last: u16,
}

impl Range {
    /// All there are in a usual policy.
    pub const ALL: Self = Self { first: 0, last: 1023 };
    /// With fewer, pairs run out after a few guests.
    const LEAST: u16 = 8;

    /// The range of a level such as `s0-s0:c0.c1023`: its upper part counts. All, when the level names no range.
    ///
    /// # Errors
    /// The range is too small, as a sentence.
    pub fn of_level(level: Option<&str>) -> Result<Self, String> {
        let upper = level.and_then(|level| level.rsplit('-').next());
        let Some((_, categories)) = upper.and_then(|upper| upper.split_once(':')) else { return Ok(Self::ALL) };
        let number = |text: &str| text.strip_prefix('c')?.parse().ok();
        let range = categories.split_once('.').and_then(|(first, last)| Some(Self { first: number(first)?, last: number(last)? }));
        match range {
            Some(range) if range.last.saturating_sub(range.first) + 1 >= Self::LEAST => Ok(range),
            _ => Err(format!("the categories {categories} of the service's own SELinux level are too few to keep guests apart")),
        }
    }
}

/// Two different categories, the smaller one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair(u16, u16);

impl Pair {
    /// The level of a guest that has them.
    pub fn level(self) -> String {
        format!("s0:c{},c{}", self.0, self.1)
    }

    /// The pair of a level that this module made.
    pub fn of_level(level: &str) -> Option<Self> {
        let (first, second) = level.strip_prefix("s0:c")?.split_once(",c")?;
        Some(Self(first.parse().ok()?, second.parse().ok()?))
    }
}

/// The pairs that guests have: no two guests have the same.
#[derive(Debug, Clone, Default)]
pub struct Pairs(Arc<Mutex<HashSet<Pair>>>);

impl Pairs {
    /// A pair that no guest has, by chance, until the answer is dropped. `None` when that is hopeless.
    pub fn take(&self, range: Range) -> Option<Taken> {
        const TRIES: usize = 10_000;
        let mut taken = self.taken();
        let free = std::iter::repeat_with(|| random(range)).take(TRIES).flatten().find(|pair| !taken.contains(pair))?;
        taken.insert(free);
        Some(Taken { pair: free, pairs: self.clone() })
    }

    /// The pair of a guest that runs already.
    pub fn note(&self, pair: Pair) -> Taken {
        self.taken().insert(pair);
        Taken { pair, pairs: self.clone() }
    }

    /// Whether a guest has it.
    pub fn has(&self, pair: Pair) -> bool {
        self.taken().contains(&pair)
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<Pair>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two categories by chance; `None` when they are the same one. The generator of UUIDs is the system's; four of a UUID's
/// bytes are random as they are.
fn random(range: Range) -> Option<Pair> {
    let (bits, ..) = Uuid::new_v4().as_fields();
    let count = u32::from(range.last - range.first) + 1;
    let category = |half: u32| range.first + u16::try_from((half & 0xffff) % count).unwrap_or(0);
    let (one, other) = (category(bits), category(bits >> 16));
    (one != other).then(|| Pair(one.min(other), one.max(other)))
}

/// A pair that a guest has.
#[derive(Debug)]
pub struct Taken {
    /// It.
    pub pair: Pair,
    pairs: Pairs,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.pairs.taken().remove(&self.pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_read_and_written() {
        let context = Context::parse("system_u:system_r:svirt_t:s0-s0:c0.c1023\n").unwrap();
        assert_eq!(context.level(), Some("s0-s0:c0.c1023"));
        assert_eq!(context.at("s0:c1,c2").to_string(), "system_u:system_r:svirt_t:s0:c1,c2");
        assert_eq!(context.with_type("x_t").to_string(), "system_u:system_r:x_t:s0-s0:c0.c1023");
        assert_eq!(Context::parse("a:b:c").unwrap().to_string(), "a:b:c");
        for text in ["", "a", "a:b", "a::c:s0", "a b:c:d"] {
            assert_eq!(Context::parse(text), None, "{text}");
        }
    }

    #[test]
    fn categories_come_from_the_services_own_range() {
        for (level, expected) in [
            (None, Some((0, 1023))),
            (Some("s0"), Some((0, 1023))),
            (Some("s0-s0:c0.c1023"), Some((0, 1023))),
            (Some("s0-s0:c10.c30"), Some((10, 30))),
            (Some("s0:c5.c12"), Some((5, 12))),
            (Some("s0:c5.c11"), None),
            (Some("s0:c5,c9"), None),
            (Some("s0:c9.c1"), None),
        ] {
            assert_eq!(Range::of_level(level).ok().map(|range| (range.first, range.last)), expected, "{level:?}");
        }
    }

    #[test]
    fn no_two_guests_have_the_same_pair() {
        let pairs = Pairs::default();
        let range = Range { first: 0, last: 7 };
        // 8 categories make 28 pairs.
        let taken: Vec<Taken> = std::iter::from_fn(|| pairs.take(range)).collect();
        assert_eq!(taken.len(), 28);
        assert_eq!(taken.iter().map(|taken| taken.pair).collect::<HashSet<_>>().len(), 28);
        assert!(taken.iter().all(|Taken { pair, .. }| pair.0 < pair.1 && pair.1 <= 7));
        assert_eq!(Pair::of_level(&taken[0].pair.level()), Some(taken[0].pair));
        drop(taken);
        let noted = pairs.note(Pair(0, 1));
        assert!(pairs.taken().contains(&noted.pair));
        drop(noted);
        assert!(pairs.taken().is_empty());
    }
}
