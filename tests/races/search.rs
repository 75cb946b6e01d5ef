//! The search for one order: J. Wing and C. Gong, "Testing and Verifying Concurrent Objects", 1993,
//! with the memory of states already met that G. Lowe added ("Testing for linearizability", 2017).
//!
//! A history is linearizable if each call can be given one moment between its beginning and its end
//! so that, carried out one after the other at these moments, all give the answers that they gave.

use std::collections::HashSet;
use std::fmt;

use crate::call::Answer;
use crate::model::{Object, Op, Part, State, settled};

/// Steps after which a search is given up: no history of a run comes near.
const PATIENCE: usize = 2_000_000;

/// No order was found.
pub struct Stuck {
    /// The longest beginning of an order, by places in the history.
    order: Vec<usize>,
    /// What happened in it.
    told: Vec<String>,
    /// The calls that cannot follow it, each the next for its process.
    next: Vec<Op>,
    /// What the file has next.
    then: Option<String>,
    ops: Vec<Op>,
    gave_up: bool,
}

/// A beginning of an order: what is done, and where else it could go on.
struct Place {
    done: Vec<u64>,
    /// All before this one are done.
    first: usize,
    state: State,
    choices: Vec<(usize, State)>,
    /// Calls in order so far.
    length: usize,
}

/// The calls in one order that explains all answers. They are given by when they began.
///
/// # Errors
/// [`Stuck`] if there is none.
pub fn in_one_order(object: &Object, ops: &[Op]) -> Result<Vec<usize>, Box<Stuck>> {
    assert!(ops.is_sorted_by_key(|op| op.invoked));
    let mut order = Vec::new();
    let mut met: HashSet<(Vec<u64>, [u8; 32])> = HashSet::new();
    let mut places: Vec<Place> = Vec::new();
    let mut longest: (Vec<usize>, State) = (Vec::new(), State::nothing());
    let mut here = Some((vec![0; ops.len().div_ceil(64)], 0, State::nothing()));
    for _ in 0..PATIENCE {
        if let Some((done, first, state)) = here.take() {
            let mut place = Place { done, first, state, choices: Vec::new(), length: 0 };
            settle(object, ops, &mut place, &mut order);
            if place.first == ops.len() && object.is_end(&place.state) {
                return Ok(order);
            }
            place.length = order.len();
            if order.len() >= longest.0.len() {
                longest = (order.clone(), place.state.clone());
            }
            if met.insert((place.done.clone(), place.state.key)) {
                places.push(place);
            }
        }
        let Some(place) = places.last_mut() else { return Err(stuck(object, ops, longest, false)) };
        order.truncate(place.length);
        match place.choices.pop() {
            None => drop(places.pop()),
            Some((op, state)) => {
                let mut done = place.done.clone();
                mark(&mut done, op);
                order.push(op);
                here = Some((done, place.first, state));
            }
        }
    }
    Err(stuck(object, ops, longest, true))
}

/// Carries out what changes nothing, whenever it is carried out: a look at a state can be placed as
/// soon as it fits, because whatever comes later does not miss it. Then lists what else could come next.
fn settle(object: &Object, ops: &[Op], place: &mut Place, order: &mut Vec<usize>) {
    loop {
        place.choices.clear();
        let mut moved = false;
        for op in minimal(ops, &place.done, place.first) {
            let steps = object.steps(&place.state, &ops[op]);
            match steps.as_slice() {
                [only] if only.key == place.state.key && ops[op].is_a_look() => {
                    mark(&mut place.done, op);
                    order.push(op);
                    moved = true;
                }
                _ => place.choices.extend(steps.into_iter().map(|state| (op, state))),
            }
        }
        while place.first < ops.len() && is_done(&place.done, place.first) {
            place.first += 1;
        }
        if !moved {
            // The last is tried first.
            place.choices.reverse();
            return;
        }
    }
}

/// The calls that may come next: those that no other, yet to come, ended before.
fn minimal(ops: &[Op], done: &[u64], first: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut end = u64::MAX;
    for (place, op) in ops.iter().enumerate().skip(first) {
        if op.invoked > end {
            break;
        }
        if !is_done(done, place) {
            found.push(place);
            end = end.min(op.returned);
        }
    }
    found
}

fn is_done(done: &[u64], op: usize) -> bool {
    done[op / 64] >> (op % 64) & 1 == 1
}

fn mark(done: &mut [u64], op: usize) {
    done[op / 64] |= 1 << (op % 64);
}

fn stuck(object: &Object, ops: &[Op], longest: (Vec<usize>, State), gave_up: bool) -> Box<Stuck> {
    let (order, state) = longest;
    let mut done = vec![0; ops.len().div_ceil(64)];
    order.iter().for_each(|op| mark(&mut done, *op));
    let next = minimal(ops, &done, 0).into_iter().map(|op| ops[op].clone()).collect();
    let told = state.told();
    let then = object.end.as_ref().and_then(|end| end.get(told.len())).map(ToString::to_string);
    Box::new(Stuck { order, told, next, then, ops: ops.to_vec(), gave_up })
}

impl fmt::Debug for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.gave_up { "the search was given up" } else { "no order explains all answers" };
        writeln!(
            f,
            "{what}; the longest beginning has {} of {}. Changes in it:",
            self.order.len(),
            self.ops.len()
        )?;
        let changes = self.order.iter().map(|op| &self.ops[*op]);
        let mut changes = changes.filter(|op| matches!(op.part, Part::Change(_) | Part::Took));
        changes.try_for_each(|op| writeln!(f, "  {}", one_line(op)))?;
        writeln!(f, "after which the history is")?;
        self.told.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "and in the file comes {:?}; none of these can follow:", self.then)?;
        self.next.iter().try_for_each(|op| writeln!(f, "  {}", one_line(op)))
    }
}

/// A call in the room that a line of a report has; all of it is in the file.
fn one_line(op: &Op) -> String {
    let answer = match &op.answer {
        Answer::Data(data) => settled(data).to_string(),
        Answer::Refused(error) => error["message"].to_string(),
        Answer::Killed => "killed".to_owned(),
    };
    let line = format!("#{} {}..{} {} {:?} -> ", op.call, op.invoked, op.returned, op.actor, op.part);
    line + &answer.chars().take(400).collect::<String>()
}
