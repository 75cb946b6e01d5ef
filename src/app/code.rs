//! The names of errors: stable, append-only, one row each in `docs/errors.md`.

use std::fmt;

/// How a failure ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitClass {
    /// A rule or the data said no: 1.
    Refused,
    /// The call itself is wrong: 2.
    Usage,
    /// Somebody else is writing; try again: 3.
    Busy,
    /// The file, the disk or the output: 4.
    Disk,
}

impl ExitClass {
    /// The process's exit status.
    #[must_use]
    pub fn status(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Busy => 3,
            Self::Disk => 4,
        }
    }
}

macro_rules! codes {
    ($($name:ident $text:literal $class:ident)*) => {
        /// A stable error name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "docs/errors.md has a row for each, and a test demands it")]
        pub enum Code { $($name,)* }

        impl Code {
            /// All of them, in the order of `docs/errors.md`.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The name as scripts see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How it ends the process.
            #[must_use]
            pub fn exit_class(self) -> ExitClass {
                match self { $(Self::$name => ExitClass::$class,)* }
            }
        }
    };
}

codes! {
    NotInitialized "NOT_INITIALIZED" Refused
    NotFound "NOT_FOUND" Refused
    InvalidId "INVALID_ID" Refused
    AmbiguousId "AMBIGUOUS_ID" Refused
    InvalidActor "INVALID_ACTOR" Refused
    MissingActor "MISSING_ACTOR" Refused
    SessionNotFound "SESSION_NOT_FOUND" Refused
    ValidationError "VALIDATION_ERROR" Refused
    Conflict "CONFLICT" Refused
    InvalidTransition "INVALID_TRANSITION" Refused
    ReviewCycleLimit "REVIEW_CYCLE_LIMIT" Refused
    CompletionBlocked "COMPLETION_BLOCKED" Refused
    PlanRequired "PLAN_REQUIRED" Refused
    InvalidRole "INVALID_ROLE" Refused
    AlreadyClaimed "ALREADY_CLAIMED" Refused
    ResourceHeld "RESOURCE_HELD" Refused
    NotHeld "NOT_HELD" Refused
    Expired "EXPIRED" Refused
    Timeout "TIMEOUT" Refused
    PayloadTooLarge "PAYLOAD_TOO_LARGE" Refused
    CursorExpired "CURSOR_EXPIRED" Refused
    ImportInvalid "IMPORT_INVALID" Refused
    ImportConflict "IMPORT_CONFLICT" Refused
    InstanceMismatch "INSTANCE_MISMATCH" Refused
    TreeTooNew "TREE_TOO_NEW" Refused
    ExportConflict "EXPORT_CONFLICT" Refused
    GitFailed "GIT_FAILED" Refused
    SqlError "SQL_ERROR" Refused
    SqlRefused "SQL_REFUSED" Refused
    SqlTimeout "SQL_TIMEOUT" Refused
    SqlTooBig "SQL_TOO_BIG" Refused
    RestoreConflict "RESTORE_CONFLICT" Refused
    Usage "USAGE" Usage
    StoreBusy "STORE_BUSY" Busy
    StoreReadonly "STORE_READONLY" Disk
    StoreDenied "STORE_DENIED" Disk
    StoreFull "STORE_FULL" Disk
    StoreCorrupt "STORE_CORRUPT" Disk
    StoreTampered "STORE_TAMPERED" Disk
    StoreNotADatabase "STORE_NOT_A_DATABASE" Disk
    StoreTooNew "STORE_TOO_NEW" Disk
    StoreTooOld "STORE_TOO_OLD" Disk
    StoreUnsupported "STORE_UNSUPPORTED" Disk
    StoreIo "STORE_IO" Disk
    CommitUnknown "COMMIT_UNKNOWN" Disk
    OutputFailed "OUTPUT_FAILED" Disk
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
