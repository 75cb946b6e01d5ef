//! Discovery on real directories.

use super::*;

/// A directory without symbolic links in its path, to compare with.
fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    (dir, path)
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// `main` with a linked worktree `linked`, as git lays them out.
fn repository(top: &Path) -> (PathBuf, PathBuf) {
    let (main, linked) = (top.join("main"), top.join("linked"));
    put(&main.join(".git/worktrees/linked/commondir"), "../..\n");
    let git_dir = main.join(".git/worktrees/linked");
    put(&linked.join(".git"), &format!("gitdir: {}\n", git_dir.display()));
    (main, linked)
}

fn not_initialized(result: Result<Root, RootError>) -> (PathBuf, bool, bool) {
    match result {
        Err(RootError::NotInitialized { place, tree_found, from_env }) => (place, tree_found, from_env),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_walk_goes_up_to_the_nearest_database() {
    let (_dir, top) = place();
    put(&top.join(".lattice/lattice.db"), "");
    std::fs::create_dir_all(top.join("a/b/.lattice")).unwrap();
    assert_eq!(find(&top.join("a/b"), None).unwrap(), own(&top));
}

#[test]
fn a_tree_without_a_database_stops_the_walk() {
    let (_dir, top) = place();
    put(&top.join(".lattice/lattice.db"), "");
    put(&top.join("clone/.lattice/config.json"), "{}");
    put(&top.join("clone/.git/HEAD"), "");
    std::fs::create_dir_all(top.join("clone/src")).unwrap();
    let found = not_initialized(find(&top.join("clone/src"), None));
    assert_eq!(found, (top.join("clone"), true, false));
}

#[test]
fn a_tree_stops_the_walk_without_any_repository_too() {
    let (_dir, top) = place();
    put(&top.join(".lattice/lattice.db"), "");
    put(&top.join("copy/.lattice/tasks/x.json"), "{}");
    let found = not_initialized(find(&top.join("copy"), None));
    assert_eq!(found, (top.join("copy"), true, false));
}

#[test]
fn nothing_anywhere_names_the_place_to_start() {
    let (_dir, top) = place();
    assert_eq!(not_initialized(find(&top, None)), (top, false, false));
}

#[test]
fn a_linked_worktree_shares_the_main_database_with_and_without_a_tree() {
    let (_dir, top) = place();
    let (main, linked) = repository(&top);
    put(&main.join(".lattice/lattice.db"), "");
    std::fs::create_dir_all(linked.join("src")).unwrap();
    let shared =
        Root { project: linked.clone(), lattice: main.join(".lattice"), tree: linked.join(".lattice") };
    assert_eq!(find(&linked.join("src"), None).unwrap(), shared);
    put(&linked.join(".lattice/events/x.jsonl"), "");
    assert_eq!(find(&linked, None).unwrap(), shared);
}

#[test]
fn a_tracker_in_a_subdirectory_is_shared_too() {
    let (_dir, top) = place();
    let (main, linked) = repository(&top);
    put(&main.join("sub/.lattice/lattice.db"), "");
    put(&linked.join("sub/.lattice/config.json"), "{}");
    let root = find(&linked.join("sub"), None).unwrap();
    assert_eq!(root.lattice, main.join("sub/.lattice"));
    assert_eq!(root.tree, linked.join("sub/.lattice"));
}

#[test]
fn a_linked_worktree_of_a_clone_without_a_database_points_at_the_main_one() {
    let (_dir, top) = place();
    let (main, linked) = repository(&top);
    put(&main.join(".lattice/config.json"), "{}");
    assert_eq!(not_initialized(find(&linked, None)), (main, true, false));
}

#[test]
fn a_submodule_is_not_a_worktree() {
    let (_dir, top) = place();
    put(&top.join(".lattice/lattice.db"), "");
    put(&top.join(".git/modules/sub/HEAD"), "");
    put(&top.join("sub/.git"), "gitdir: ../.git/modules/sub\n");
    assert_eq!(find(&top.join("sub"), None).unwrap(), own(&top));
    put(&top.join("sub/.lattice/config.json"), "{}");
    let found = not_initialized(find(&top.join("sub"), None));
    assert_eq!(found, (top.join("sub"), true, false));
}

#[test]
fn lattice_root_overrides_and_never_falls_back() {
    let (_dir, top) = place();
    put(&top.join("a/.lattice/lattice.db"), "");
    put(&top.join("b/.lattice/lattice.db"), "");
    std::fs::create_dir_all(top.join("c")).unwrap();
    let from_a = |root: OsString| find(&top.join("a"), Some(root));
    assert_eq!(from_a(top.join("b").into()).unwrap(), own(&top.join("b")));
    for bad in [OsString::new(), top.join("c").into(), top.join("nowhere").into()] {
        let (place, tree_found, from_env) = not_initialized(from_a(bad.clone()));
        assert_eq!((place.into_os_string(), tree_found, from_env), (bad, false, true));
    }
}

#[test]
fn links_in_the_tracker_are_refused_but_the_way_to_it_may_have_some() {
    let (_dir, top) = place();
    put(&top.join("real/.lattice/lattice.db"), "");
    std::os::unix::fs::symlink(top.join("real"), top.join("alias")).unwrap();
    assert_eq!(find(&top.join("alias"), None).unwrap(), own(&top.join("real")));

    std::fs::create_dir_all(top.join("evil")).unwrap();
    std::os::unix::fs::symlink(top.join("real/.lattice"), top.join("evil/.lattice")).unwrap();
    let result = find(&top.join("evil"), None);
    assert!(matches!(result, Err(RootError::SymlinkRefused { .. })), "{result:?}");

    std::fs::create_dir_all(top.join("worse/.lattice")).unwrap();
    let link = top.join("worse/.lattice/lattice.db");
    std::os::unix::fs::symlink(top.join("real/.lattice/lattice.db"), link).unwrap();
    let result = find(&top.join("worse"), None);
    assert!(matches!(result, Err(RootError::SymlinkRefused { .. })), "{result:?}");
}
