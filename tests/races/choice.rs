//! What a process asks for next: by lot, about a few tasks and resources that all others ask for too.

use std::sync::atomic::{AtomicU64, Ordering};

use lattice::domain::command::{NewResource, NewTask};
use lattice::domain::id::ulid_value;
use lattice::domain::{Actor, Command, ResourceId, TaskId};

use crate::call::{PLAN, Wish};

/// Tasks at the end of the list that the processes quarrel about.
const HOT: u64 = 6;
/// Resources, the first held by one, the second by two, …
const RESOURCES: u64 = 3;
/// Longer than any run: nothing here is about time.
const TTL: i64 = 24 * 60 * 60;
/// Kinds of wishes, each so many times out of their sum.
const KINDS: &[(u64, Kind)] = &[
    (6, Kind::Create),
    (3, Kind::CreateAgain),
    (10, Kind::Plan),
    (16, Kind::Status),
    (14, Kind::Assign),
    (28, Kind::Comment),
    (18, Kind::Update),
    (12, Kind::Claim),
    (2, Kind::Archive),
    (4, Kind::Unarchive),
    (9, Kind::Show),
    (2, Kind::List),
    (2, Kind::CreateResource),
    (12, Kind::Acquire),
    (5, Kind::Release),
    (2, Kind::Heartbeat),
    (2, Kind::Holders),
];
/// The way of work, there and back.
const STATUSES: [&str; 6] = ["in_planning", "planned", "in_progress", "review", "done", "needs_human"];

#[derive(Clone, Copy)]
enum Kind {
    Create,
    CreateAgain,
    Plan,
    Status,
    Assign,
    Comment,
    Update,
    Claim,
    Archive,
    Unarchive,
    Show,
    List,
    CreateResource,
    Acquire,
    Release,
    Heartbeat,
    Holders,
}

/// A sequence of lots.
pub struct Lots(u64);

impl Lots {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below this one. One step of `SplitMix64` (Steele, Lea and Flood 2014).
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

/// The task of this number.
pub fn task(number: u64) -> TaskId {
    TaskId::from_value(ulid_value(1_700_000_000_000, u128::from(number)))
}

/// The name of the resource of this number.
pub fn resource(number: u64) -> String {
    format!("resource-{number}")
}

/// The next wish of a process. `made` counts the tasks that somebody wished to make.
pub fn wish(lots: &mut Lots, made: &AtomicU64, processes: u64) -> Wish {
    let last = made.load(Ordering::Relaxed);
    let hot = task(last.saturating_sub(lots.below(HOT)));
    let name = resource(lots.below(RESOURCES));
    Wish::Change(match kind(lots) {
        Kind::Create => create(made.fetch_add(1, Ordering::Relaxed) + 1, "as it was"),
        // By another who has the same in mind, or something else.
        Kind::CreateAgain => {
            let title = if lots.below(4) == 0 { "otherwise" } else { "as it was" };
            create(last.saturating_sub(lots.below(HOT)), title)
        }
        Kind::Plan => Command::SetPlan { task: hot, body: PLAN.1.to_owned(), base: None },
        Kind::Status => Command::Status { task: hot, to: lots.of(&STATUSES).to_owned(), force: false },
        Kind::Assign => {
            let somebody = Actor::Plain(format!("agent:{}", lots.below(processes)));
            Command::Assign { task: hot, to: (lots.below(3) > 0).then_some(somebody) }
        }
        Kind::Comment => {
            let body = format!("remark {}", lots.below(1 << 32));
            let (reply_to, role) = (None, None);
            Command::Comment { task: hot, body, reply_to, role }
        }
        Kind::Update => {
            let priority = lots.of(&["critical", "high", "medium", "low"]);
            let changes = vec![("priority".to_owned(), priority.to_owned())];
            Command::Update { task: hot, changes }
        }
        Kind::Archive => Command::Archive { task: hot },
        Kind::Unarchive => Command::Unarchive { task: hot },
        Kind::CreateResource => {
            let number = lots.below(RESOURCES);
            let id = ResourceId::from_value(ulid_value(1_700_000_000_000, u128::from(number)));
            let resource = NewResource {
                name: resource(number),
                description: None,
                max_holders: Some(number as i64 + 1),
                ttl_seconds: Some(TTL),
            };
            Command::CreateResource { id, chosen: true, resource }
        }
        Kind::Acquire => {
            let fresh = ResourceId::from_value(1);
            Command::AcquireResource { name, fresh, task: None, force: lots.below(4) == 0 }
        }
        Kind::Release => Command::ReleaseResource { name },
        Kind::Heartbeat => Command::HeartbeatResource { name },
        Kind::Claim => return Wish::Claim,
        Kind::Show => return Wish::Show(hot),
        Kind::List => return Wish::List,
        Kind::Holders => return Wish::Holders(name),
    })
}

fn create(number: u64, title: &str) -> Command {
    let new = NewTask { title: format!("task {number} {title}"), ..NewTask::default() };
    Command::Create { id: task(number), chosen: true, task: new }
}

fn kind(lots: &mut Lots) -> Kind {
    let mut lot = lots.below(KINDS.iter().map(|(weight, _)| weight).sum());
    for (weight, kind) in KINDS {
        match lot.checked_sub(*weight) {
            Some(rest) => lot = rest,
            None => return *kind,
        }
    }
    Kind::List
}
