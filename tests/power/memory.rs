//! The database of a state that is being examined, in memory. Nobody else can see it, so locks are
//! granted; the index of the log is kept as long as a connection has it.
#![allow(unsafe_code, reason = "SQLite's layer is a table of C functions")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::ptr;
use std::rc::Rc;

use rusqlite::ffi::*;

use crate::disk::{Content, Image};

/// Where the image is thought to be, and what is in it.
struct Mount {
    root: PathBuf,
    files: BTreeMap<String, Rc<RefCell<Content>>>,
    index: Vec<Box<[u8]>>,
    users: usize,
}

thread_local! {
    static MOUNT: RefCell<Option<Mount>> = const { RefCell::new(None) };
}

/// Puts the files of an image below `root`, for SQLite on this thread.
pub fn mount(root: &Path, files: Image) {
    let files = files.into_iter().map(|(path, content)| (path, Rc::new(RefCell::new(content)))).collect();
    MOUNT.set(Some(Mount { root: root.to_path_buf(), files, index: Vec::new(), users: 0 }));
}

/// Takes the files away again, as they are now.
pub fn unmount() -> Image {
    let files = MOUNT.take().map(|mount| mount.files).unwrap_or_default();
    files.into_iter().map(|(path, content)| (path, content.take())).collect()
}

/// The path inside of the image, of one that lies there.
pub fn key(path: &Path) -> Option<String> {
    MOUNT.with_borrow(|mount| {
        let inside = path.strip_prefix(&mount.as_ref()?.root).ok()?;
        Some(inside.to_str()?.to_owned())
    })
}

pub fn exists(key: &str) -> bool {
    with(|mount| mount.files.contains_key(key)).unwrap_or(false)
}

pub fn delete(key: &str) -> c_int {
    match with(|mount| mount.files.remove(key)) {
        Some(Some(_)) => SQLITE_OK,
        _ => SQLITE_IOERR_DELETE_NOENT,
    }
}

/// How much room an open file needs.
pub fn file_size() -> c_int {
    size_of::<File>() as c_int
}

#[repr(C)]
struct File {
    base: sqlite3_file,
    content: *const RefCell<Content>,
    has_index: bool,
}

fn with<T>(work: impl FnOnce(&mut Mount) -> T) -> Option<T> {
    MOUNT.with_borrow_mut(|mount| mount.as_mut().map(work))
}

unsafe fn content<T>(file: *mut sqlite3_file, work: impl FnOnce(&mut Content) -> T) -> T {
    unsafe { work(&mut (*(*file.cast::<File>()).content).borrow_mut()) }
}

pub unsafe fn open(key: String, file: *mut sqlite3_file, flags: c_int, out: *mut c_int) -> c_int {
    let ours = file.cast::<File>();
    unsafe { (*ours).base.pMethods = ptr::null() };
    let content = with(|mount| match mount.files.get(&key) {
        None if flags & SQLITE_OPEN_CREATE != 0 => Some(Rc::clone(mount.files.entry(key).or_default())),
        found => found.map(Rc::clone),
    });
    let Some(Some(content)) = content else { return SQLITE_CANTOPEN };
    unsafe {
        (*ours).content = Rc::into_raw(content);
        (*ours).has_index = false;
        (*ours).base.pMethods = &raw const METHODS;
        if !out.is_null() {
            *out = flags;
        }
    }
    SQLITE_OK
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    unsafe { drop(Rc::from_raw((*file.cast::<File>()).content)) };
    SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, len: c_int, at: i64) -> c_int {
    let into = unsafe { std::slice::from_raw_parts_mut(into.cast::<u8>(), len as usize) };
    let count = unsafe { content(file, |content| content.read(at as usize, into)) };
    if count == into.len() {
        return SQLITE_OK;
    }
    into[count..].fill(0);
    SQLITE_IOERR_SHORT_READ
}

unsafe extern "C" fn write(file: *mut sqlite3_file, data: *const c_void, len: c_int, at: i64) -> c_int {
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len as usize) };
    unsafe { content(file, |content| content.write(at as usize, data)) };
    SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: i64) -> c_int {
    unsafe { content(file, |content| content.resize(len as usize)) };
    SQLITE_OK
}

unsafe extern "C" fn size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    unsafe { *out = content(file, |content| content.len()) as i64 };
    SQLITE_OK
}

unsafe extern "C" fn granted(_file: *mut sqlite3_file, _what: c_int) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn reserved(_file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { *out = 0 };
    SQLITE_OK
}

unsafe extern "C" fn control(_file: *mut sqlite3_file, _what: c_int, _data: *mut c_void) -> c_int {
    SQLITE_NOTFOUND
}

unsafe extern "C" fn sector(_file: *mut sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn traits(_file: *mut sqlite3_file) -> c_int {
    SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let ours = unsafe { &mut *file.cast::<File>() };
    let found = with(|mount| {
        if !std::mem::replace(&mut ours.has_index, true) {
            mount.users += 1;
        }
        while extend != 0 && mount.index.len() <= region as usize {
            mount.index.push(vec![0; size as usize].into_boxed_slice());
        }
        mount.index.get_mut(region as usize).map_or(ptr::null_mut(), |part| part.as_mut_ptr())
    });
    unsafe { *out = found.unwrap_or(ptr::null_mut()).cast() };
    SQLITE_OK
}

unsafe extern "C" fn shm_lock(_file: *mut sqlite3_file, _at: c_int, _n: c_int, _flags: c_int) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn barrier(_file: *mut sqlite3_file) {}

unsafe extern "C" fn unmap(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    let ours = unsafe { &mut *file.cast::<File>() };
    if std::mem::take(&mut ours.has_index) {
        with(|mount| {
            mount.users -= 1;
            if mount.users == 0 {
                mount.index.clear();
            }
        });
    }
    SQLITE_OK
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(granted),
    xFileSize: Some(size),
    xLock: Some(granted),
    xUnlock: Some(granted),
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
