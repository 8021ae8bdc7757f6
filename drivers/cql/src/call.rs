//! A call on its way, and the gate that counts calls. The guarantee of the whole library is here: a
//! `Call` answers exactly once, for what does not answer it drops it, and dropping answers.

use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::outcome::{Code, Outcome};

/// How long calls that are cancelled at a close may take to notice.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

struct State {
    open: bool,
    in_flight: usize,
}

/// Lets in at most `limit` calls at a time, and none once it is shut.
pub struct Gate {
    state: Mutex<State>,
    idle: Condvar,
    limit: usize,
    cancel: watch::Sender<bool>,
}

impl Gate {
    pub fn new(limit: usize) -> Arc<Gate> {
        Arc::new(Gate {
            state: Mutex::new(State { open: true, in_flight: 0 }),
            idle: Condvar::new(),
            limit,
            cancel: watch::Sender::new(false),
        })
    }

    pub fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    /// Resolves once calls in flight are to give up.
    pub async fn cancelled(&self) {
        // The sender lives in `self`: waiting can't fail.
        let _ = self.cancel.subscribe().wait_for(|cancelled| *cancelled).await;
    }

    /// Lets nobody in any more, waits for those inside, then cancels them. Some may still be inside
    /// afterwards: those whose task is not polled. `wait_empty` waits for them without end.
    pub fn close(&self, drain: Duration) {
        self.lock().open = false;
        if !self.wait_idle(drain) {
            self.cancel.send_replace(true);
            self.wait_idle(CANCEL_GRACE);
        }
    }

    pub fn wait_empty(&self) {
        let guard = self.lock();
        drop(self.idle.wait_while(guard, |state| state.in_flight > 0));
    }

    fn wait_idle(&self, span: Duration) -> bool {
        let until = Instant::now() + span;
        let mut guard = self.lock();
        while guard.in_flight > 0 {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            guard = match self.idle.wait_timeout(guard, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        true
    }

    /// A place inside, until the pass is dropped.
    pub fn enter(self: &Arc<Gate>) -> Result<Pass, Outcome> {
        let mut state = self.lock();
        if !state.open {
            return Err(Outcome::error(Code::Closed, "the session is closed"));
        }
        if state.in_flight >= self.limit {
            return Err(Outcome::error(Code::Overloaded, "too many calls are in flight"));
        }
        state.in_flight += 1;
        Ok(Pass(self.clone()))
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        if state.in_flight == 0 {
            self.idle.notify_all();
        }
    }

    // Nothing that can panic runs under the lock: a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

pub struct Pass(Arc<Gate>);

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.leave();
    }
}

pub type Done = unsafe extern "C" fn(user: *mut c_void, result: *mut Outcome);

/// The C side of a call.
pub struct Callback {
    pub done: Done,
    pub user: *mut c_void,
}

// The header says that the callback comes on any thread.
unsafe impl Send for Callback {}

impl Callback {
    pub fn fire(self, outcome: Outcome) {
        unsafe { (self.done)(self.user, Box::into_raw(Box::new(outcome))) }
    }
}

pub struct Call {
    callback: Option<Callback>,
    // Given up after the callback has returned: close() waits for that.
    pass: Pass,
}

impl Call {
    /// Enters the gate; a call that is refused is answered here and now.
    pub fn begin(gate: &Arc<Gate>, callback: Callback) -> Option<Call> {
        match gate.enter() {
            Ok(pass) => Some(Call { callback: Some(callback), pass }),
            Err(refusal) => {
                callback.fire(refusal);
                None
            }
        }
    }

    pub fn finish(mut self, outcome: Outcome) {
        if let Some(callback) = self.callback.take() {
            callback.fire(outcome);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(callback) = self.callback.take() {
            let closed = !self.pass.0.lock().open;
            callback.fire(if closed {
                Outcome::error(Code::Closed, "the session was closed before the answer")
            } else {
                Outcome::error(Code::Internal, "the driver failed; its standard error says how")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    /// What a test's callback saw.
    #[derive(Default)]
    struct Seen {
        times: AtomicUsize,
        code: AtomicUsize,
    }

    unsafe extern "C" fn note(user: *mut c_void, result: *mut Outcome) {
        let (seen, outcome) = unsafe { (&*(user as *const Seen), Box::from_raw(result)) };
        seen.code.store(outcome.code as usize, Ordering::SeqCst);
        seen.times.fetch_add(1, Ordering::SeqCst);
    }

    fn callback(seen: &Seen) -> Callback {
        Callback { done: note, user: seen as *const Seen as *mut c_void }
    }

    fn check(seen: &Seen, code: Code) {
        assert_eq!(seen.times.load(Ordering::SeqCst), 1);
        assert_eq!(seen.code.load(Ordering::SeqCst), code as usize);
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    #[test]
    fn a_finished_call_answers_once() {
        let (gate, seen) = (Gate::new(1), Seen::default());
        Call::begin(&gate, callback(&seen)).unwrap().finish(Outcome::default());
        check(&seen, Code::Ok);
        assert_eq!(gate.in_flight(), 0);
    }

    #[test]
    fn a_dropped_call_answers_once() {
        let (gate, seen) = (Gate::new(1), Seen::default());
        drop(Call::begin(&gate, callback(&seen)));
        check(&seen, Code::Internal);
        assert_eq!(gate.in_flight(), 0);
    }

    #[test]
    fn a_call_whose_task_panics_answers_once() {
        let (gate, seen, runtime) = (Gate::new(1), Seen::default(), runtime());
        let call = Call::begin(&gate, callback(&seen)).unwrap();
        runtime.spawn(async move {
            let _call = call;
            panic!("a test's panic: expected");
        });
        gate.wait_empty();
        check(&seen, Code::Internal);
    }

    #[test]
    fn a_call_whose_runtime_goes_away_answers_once() {
        let (gate, seen, runtime) = (Gate::new(1), Seen::default(), runtime());
        let call = Call::begin(&gate, callback(&seen)).unwrap();
        runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(call);
        });
        runtime.shutdown_timeout(Duration::from_secs(60));
        gate.wait_empty();
        check(&seen, Code::Internal);
    }

    #[test]
    fn calls_beyond_the_limit_are_refused_at_once() {
        let gate = Gate::new(2);
        let seen: [Seen; 3] = Default::default();
        let first = Call::begin(&gate, callback(&seen[0]));
        let second = Call::begin(&gate, callback(&seen[1]));
        assert!(Call::begin(&gate, callback(&seen[2])).is_none());
        check(&seen[2], Code::Overloaded);
        first.unwrap().finish(Outcome::default());
        let third = Call::begin(&gate, callback(&seen[0]));
        assert!(third.is_some(), "a place has become free");
        drop((second, third));
    }

    #[test]
    fn a_close_waits_for_calls_in_flight() {
        let (gate, seen) = (Gate::new(1), Seen::default());
        let call = Call::begin(&gate, callback(&seen)).unwrap();
        thread::scope(|scope| {
            let closing = scope.spawn(|| gate.close(Duration::from_secs(600)));
            while gate.lock().open {
                thread::yield_now();
            }
            assert!(!closing.is_finished());
            call.finish(Outcome::default());
        });
        check(&seen, Code::Ok);
        let late = Seen::default();
        assert!(Call::begin(&gate, callback(&late)).is_none());
        check(&late, Code::Closed);
    }

    #[test]
    fn a_close_cancels_what_does_not_end_in_time() {
        let (gate, seen, runtime) = (Gate::new(1), Seen::default(), runtime());
        let call = Call::begin(&gate, callback(&seen)).unwrap();
        let watched = gate.clone();
        runtime.spawn(async move {
            watched.cancelled().await;
            drop(call);
        });
        gate.close(Duration::ZERO);
        gate.wait_empty();
        check(&seen, Code::Closed);
    }
}
