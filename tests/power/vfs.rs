//! The layer below SQLite: registered as the default one, so that the code under test has no seam. It
//! hands every call on to the real one and records those that change the disk; files of a state that
//! is being examined it keeps in memory. Flushes are recorded below it, where all of the program's come
//! together: in `fsync` itself.
#![allow(unsafe_code, reason = "SQLite's layer is a table of C functions")]
#![allow(clippy::missing_safety_doc, reason = "SQLite calls them, by its own rules")]

use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use rusqlite::ffi::*;

use crate::disk::{Ino, Op};
use crate::{memory, recording, uncounted};

/// An open file of SQLite's. Behind it lies the real one.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// The number in the log, if its changes are recorded.
    ino: Option<Ino>,
    weaken: bool,
}

static REAL: AtomicPtr<sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

/// Puts the layer in the place of the default one, for the whole process.
pub fn install() {
    static ONCE: Once = Once::new();
    uncounted::memory();
    ONCE.call_once(|| unsafe {
        let real = sqlite3_vfs_find(ptr::null());
        assert!(!real.is_null(), "SQLite has a default layer");
        REAL.store(real, Ordering::SeqCst);
        let mut ours = *real;
        ours.szOsFile =
            c_int::try_from(size_of::<File>()).unwrap() + (*real).szOsFile.max(memory::file_size());
        ours.zName = c"power".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        ours.xAccess = Some(access);
        ours.xRandomness = Some(randomness);
        let ours = Box::into_raw(Box::new(ours));
        assert_eq!(sqlite3_vfs_register(ours, 1), SQLITE_OK);
    });
}

/// Every flush of the process, SQLite's and Lattice's own: a function of the program comes before
/// the C library's of the same name.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    let path = std::fs::read_link(format!("/proc/self/fd/{fd}"));
    let failed = match path {
        Ok(path) if !recording::flush(&path) => Some(rustix::io::Errno::IO),
        _ => rustix::fs::fsync(unsafe { BorrowedFd::borrow_raw(fd) }).err(),
    };
    failed.map_or(0, fail)
}

/// Writes that pass by SQLite: the standard library's.
#[unsafe(no_mangle)]
pub extern "C" fn pwrite64(fd: c_int, data: *const c_void, len: usize, at: i64) -> isize {
    let (file, data) =
        unsafe { (BorrowedFd::borrow_raw(fd), std::slice::from_raw_parts(data.cast::<u8>(), len)) };
    match rustix::io::pwrite(file, data, at as u64) {
        Ok(count) => {
            if !IN_SQLITE.get()
                && let Ok(path) = std::fs::read_link(format!("/proc/self/fd/{fd}"))
                && let Some(ino) = recording::file_at(&path)
            {
                recording::note(Op::Write { ino, at: at as usize, data: data[..count].to_vec() });
            }
            count.cast_signed()
        }
        Err(error) => fail(error) as isize,
    }
}

fn fail(error: rustix::io::Errno) -> c_int {
    unsafe extern "C" {
        fn __errno_location() -> *mut c_int;
    }
    unsafe { *__errno_location() = error.raw_os_error() };
    -1
}

thread_local! {
    static IN_SQLITE: Cell<bool> = const { Cell::new(false) };
}

/// Makes SQLite draw the same numbers again, so that a recording is the same every time.
pub fn same_numbers() {
    unsafe { sqlite3_randomness(0, ptr::null_mut()) };
}

unsafe extern "C" fn randomness(_vfs: *mut sqlite3_vfs, len: c_int, out: *mut c_char) -> c_int {
    unsafe { out.write_bytes(7, len as usize) };
    len
}

fn real() -> *mut sqlite3_vfs {
    REAL.load(Ordering::SeqCst)
}

unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

unsafe fn behind(file: *mut sqlite3_file) -> *mut sqlite3_file {
    unsafe { file.cast::<File>().add(1).cast() }
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        if !name.is_null()
            && let Some(name) = memory::key(path(name))
        {
            return memory::open(name, file, flags, out);
        }
        let ours = file.cast::<File>();
        (*ours).base.pMethods = ptr::null();
        let result = ((*real()).xOpen.unwrap())(real(), name, behind(file), flags, out);
        if !(*behind(file)).pMethods.is_null() {
            (*ours).base.pMethods = &raw const METHODS;
            (*ours).ino = if name.is_null() { None } else { recording::file_at(path(name)) };
            (*ours).weaken = recording::weakens();
        }
        result
    }
}

unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, flush: c_int) -> c_int {
    unsafe {
        if let Some(name) = memory::key(path(name)) {
            return memory::delete(&name);
        }
        recording::look();
        let result = ((*real()).xDelete.unwrap())(real(), name, flush);
        recording::look();
        result
    }
}

unsafe extern "C" fn access(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        if let Some(name) = memory::key(path(name)) {
            *out = c_int::from(memory::exists(&name));
            return SQLITE_OK;
        }
        ((*real()).xAccess.unwrap())(real(), name, flags, out)
    }
}

/// Calls the real file's method.
macro_rules! hand_on {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let real = behind($file);
        ((*(*real).pMethods).$method.unwrap())(real $(, $argument)*)
    }};
}

unsafe extern "C" fn write(file: *mut sqlite3_file, data: *const c_void, len: c_int, at: i64) -> c_int {
    unsafe {
        IN_SQLITE.set(true);
        let result = hand_on!(file, xWrite, data, len, at);
        IN_SQLITE.set(false);
        if let (SQLITE_OK, Some(ino)) = (result, (*file.cast::<File>()).ino) {
            let data = std::slice::from_raw_parts(data.cast::<u8>(), len as usize).to_vec();
            recording::note(Op::Write { ino, at: at as usize, data });
        }
        result
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: i64) -> c_int {
    unsafe {
        let result = hand_on!(file, xTruncate, len);
        if let (SQLITE_OK, Some(ino)) = (result, (*file.cast::<File>()).ino) {
            recording::note(Op::Truncate { ino, len: len as usize });
        }
        result
    }
}

/// Here SQLite tells of pragmas before it carries them out.
unsafe extern "C" fn control(file: *mut sqlite3_file, what: c_int, data: *mut c_void) -> c_int {
    unsafe {
        if what == SQLITE_FCNTL_PRAGMA && (*file.cast::<File>()).weaken {
            let words = data.cast::<*mut c_char>();
            let (name, value) = (*words.add(1), *words.add(2));
            if !value.is_null() && CStr::from_ptr(name).to_bytes().eq_ignore_ascii_case(b"synchronous") {
                // 1 is NORMAL. The text is SQLite's own copy, read after this call.
                *value = b'1'.cast_signed();
                *value.add(1) = 0;
            }
        }
        hand_on!(file, xFileControl, what, data)
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    unsafe { hand_on!(file, xClose) }
}
unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, len: c_int, at: i64) -> c_int {
    unsafe { hand_on!(file, xRead, into, len, at) }
}
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    unsafe { hand_on!(file, xSync, flags) }
}
unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    unsafe { hand_on!(file, xFileSize, out) }
}
unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    unsafe { hand_on!(file, xLock, level) }
}
unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    unsafe { hand_on!(file, xUnlock, level) }
}
unsafe extern "C" fn reserved(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { hand_on!(file, xCheckReservedLock, out) }
}
unsafe extern "C" fn sector(file: *mut sqlite3_file) -> c_int {
    unsafe { hand_on!(file, xSectorSize) }
}
unsafe extern "C" fn traits(file: *mut sqlite3_file) -> c_int {
    unsafe { hand_on!(file, xDeviceCharacteristics) }
}
unsafe extern "C" fn map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    unsafe { hand_on!(file, xShmMap, region, size, extend, out) }
}
unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, at: c_int, n: c_int, flags: c_int) -> c_int {
    unsafe { hand_on!(file, xShmLock, at, n, flags) }
}
unsafe extern "C" fn barrier(file: *mut sqlite3_file) {
    unsafe { hand_on!(file, xShmBarrier) }
}
unsafe extern "C" fn unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    unsafe { hand_on!(file, xShmUnmap, delete) }
}

/// Version 2: without the mapping of files, no write can pass by the log.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector),
    xDeviceCharacteristics: Some(traits),
    xShmMap: Some(map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap),
    xFetch: None,
    xUnfetch: None,
};
