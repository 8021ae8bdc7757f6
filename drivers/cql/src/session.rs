//! A session with its own runtime: connecting, preparing, and the tasks that calls become.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::policies::speculative_execution::SimpleSpeculativeExecutionPolicy;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::statement::batch::{Batch, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{Instant, timeout, timeout_at};

use crate::call::{Call, Callback, Gate};
use crate::outcome::{Code, Outcome};
use crate::values::Values;

/// How many other nodes are asked beside the first.
const SPECULATIONS_MAX: usize = 2;
/// How long a runtime may take to end once its calls have.
const SHUTDOWN_MAX: Duration = Duration::from_secs(1);

pub struct Config {
    pub contacts: String,
    pub keyspace: Option<String>,
    pub local_dc: Option<String>,
    pub credentials: Option<(String, String)>,
    pub threads: usize,
    pub connect_timeout: Duration,
    pub speculative_after: Duration,
    pub in_flight_max: usize,
    pub keepalive: Duration,
}

pub struct Statement(pub PreparedStatement);

pub struct StatementOptions {
    pub consistency: Consistency,
    pub serial_consistency: SerialConsistency,
    pub idempotent: bool,
    pub page_rows: i32,
}

pub struct Session {
    driver: Arc<Driver>,
    gate: Arc<Gate>,
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
}

impl Session {
    pub fn connect(config: Config) -> Result<Session, Outcome> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("cql")
            .enable_all()
            .build()
            .map_err(|error| Outcome::error(Code::Internal, error))?;
        let builder = builder(&config);
        let connecting = async { timeout(config.connect_timeout, builder.build()).await };
        let driver = match runtime.block_on(connecting) {
            Ok(Ok(driver)) => Arc::new(driver),
            Ok(Err(error)) => return Err(Outcome::error(Code::Unavailable, error)),
            Err(_) => return Err(Outcome::error(Code::Timeout, "no node answered in time")),
        };
        Ok(Session {
            driver,
            gate: Gate::new(config.in_flight_max),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    pub fn in_flight(&self) -> usize {
        self.gate.in_flight()
    }

    /// False: called from a thread of the driver, which would wait for itself.
    pub fn close(&self, drain: Duration) -> bool {
        if Handle::try_current().is_ok() {
            return false;
        }
        self.gate.close(drain);
        let runtime = self.runtime.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(runtime) = runtime {
            // Drops the tasks that are left, and with them their calls.
            runtime.shutdown_timeout(SHUTDOWN_MAX);
        }
        self.gate.wait_empty();
        true
    }

    pub fn prepare(
        &self,
        text: &str,
        options: &StatementOptions,
        limit: Duration,
    ) -> Result<Statement, Outcome> {
        let _pass = self.gate.enter()?;
        let mut statement = self.handle.block_on(async {
            tokio::select! {
                prepared = timeout(limit, self.driver.prepare(text)) => match prepared {
                    Ok(prepared) => prepared.map_err(Outcome::from),
                    Err(_) => Err(Outcome::error(Code::Timeout, "preparing took too long")),
                },
                () = self.gate.cancelled() => Err(Outcome::error(Code::Closed, "the session is closed")),
            }
        })?;
        statement.set_consistency(options.consistency);
        statement.set_serial_consistency(Some(options.serial_consistency));
        statement.set_is_idempotent(options.idempotent);
        if !options.idempotent {
            // The usual policy repeats also these, where a coordinator says that it lacks replicas. But a
            // conditional write may have been decided by then, and would be refused for its own sake.
            statement.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy::new())));
        }
        statement.set_page_size(options.page_rows.max(1));
        Ok(Statement(statement))
    }

    /// The call that the three below answer; nothing if it was refused.
    pub fn begin(&self, callback: Callback) -> Option<Call> {
        Call::begin(&self.gate, callback)
    }

    pub fn execute(&self, call: Call, statement: &Statement, values: Values, page: Vec<u8>, limit: Duration) {
        let (driver, statement) = (self.driver.clone(), statement.0.clone());
        let state =
            if page.is_empty() { PagingState::start() } else { PagingState::new_from_raw_bytes(page) };
        self.spawn(call, limit, async move {
            match driver.execute_single_page(&statement, values, state).await {
                Ok((result, more)) => Outcome::of_rows(result, more),
                Err(error) => error.into(),
            }
        });
    }

    pub fn batch(&self, call: Call, bound: Vec<(&Statement, Values)>, limit: Duration) {
        let mut batch = Batch::new(BatchType::Unlogged);
        if let Some((first, _)) = bound.first() {
            batch.set_is_idempotent(first.0.get_is_idempotent());
            if let Some(consistency) = first.0.get_consistency() {
                batch.set_consistency(consistency);
            }
        }
        let mut rows = Vec::with_capacity(bound.len());
        for (statement, values) in bound {
            batch.append_statement(statement.0.clone());
            rows.push(values);
        }
        let driver = self.driver.clone();
        self.spawn(call, limit, async move {
            match driver.batch(&batch, rows).await {
                Ok(result) => Outcome::of_rows(result, PagingStateResponse::NoMorePages),
                Err(error) => error.into(),
            }
        });
    }

    pub fn query(&self, call: Call, text: String, limit: Duration) {
        let driver = self.driver.clone();
        self.spawn(call, limit, async move {
            match driver.query_unpaged(text, ()).await {
                Ok(result) => Outcome::of_rows(result, PagingStateResponse::NoMorePages),
                Err(error) => error.into(),
            }
        });
    }

    // Work that ends by its deadline, or with the session.
    fn spawn(&self, call: Call, limit: Duration, work: impl Future<Output = Outcome> + Send + 'static) {
        let deadline = Instant::now() + limit;
        let gate = self.gate.clone();
        self.handle.spawn(async move {
            tokio::select! {
                biased;
                done = timeout_at(deadline, work) => call.finish(done.unwrap_or_else(|_| {
                    Outcome::error(Code::Timeout, format!("no answer within {} ms", limit.as_millis()))
                })),
                () = gate.cancelled() => drop(call),
            }
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

fn builder(config: &Config) -> SessionBuilder {
    let mut balancing = DefaultPolicy::builder().token_aware(true);
    if let Some(dc) = &config.local_dc {
        balancing = balancing.prefer_datacenter(dc.clone());
    }
    let mut profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .serial_consistency(Some(SerialConsistency::Serial))
        .request_timeout(None) // each call has its own deadline
        .load_balancing_policy(balancing.build());
    if !config.speculative_after.is_zero() {
        profile = profile.speculative_execution_policy(Some(Arc::new(SimpleSpeculativeExecutionPolicy {
            max_retry_count: SPECULATIONS_MAX,
            retry_interval: config.speculative_after,
        })));
    }
    let mut builder = SessionBuilder::new()
        .known_nodes(config.contacts.split(','))
        .connection_timeout(config.connect_timeout)
        .default_execution_profile_handle(profile.build().into_handle());
    if !config.keepalive.is_zero() {
        builder = builder.keepalive_interval(config.keepalive).keepalive_timeout(config.keepalive);
    }
    if let Some((user, password)) = &config.credentials {
        builder = builder.user(user, password);
    }
    if let Some(keyspace) = &config.keyspace {
        builder = builder.use_keyspace(keyspace, false);
    }
    builder
}
