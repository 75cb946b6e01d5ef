/* Runs a program and makes chosen system calls of it fail, fall short, or kill it.
 *
 *   inject LOG WITHIN [CALL:ACTION:WHEN[:PATH]]... -- PROGRAM ARGUMENT...
 *
 * Counted are the calls that change the disk and whose path contains WITHIN (and PATH, if given).
 *   CALL    a name from the table below, or `*` for every one that changes the disk
 *   ACTION  an errno name; `short` (half of the bytes are written); `torn` (half, then SIGKILL);
 *           `kill` (SIGKILL instead of the call)
 *   WHEN    `3` is the third such call, `3+` the third and all after it, `3%2` the third and every
 *           second one after it
 * LOG gets one line for each fault that was made: `name path`. Without any fault it gets one line
 * for each call that changes the disk. The program's end is passed on.
 *
 * The kernel hands each call over before it is made (seccomp user notification). So this also sees
 * calls that go round the C library, and works on static programs; a preloaded library does not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where a call keeps its path: a descriptor, a path, or a folder's descriptor and a path. */
enum place { FD, NAME, AT };

struct call {
    int number;
    const char *name;
    enum place place;
    int first;  /* argument of the (first) path or descriptor */
    int second; /* argument of the second path, 0 if there is none */
    int changes;
};

static const struct call calls[] = {
    {SYS_write, "write", FD, 0, 0, 1},
    {SYS_pwrite64, "pwrite64", FD, 0, 0, 1},
    {SYS_writev, "writev", FD, 0, 0, 1},
    {SYS_pwritev, "pwritev", FD, 0, 0, 1},
    {SYS_copy_file_range, "copy_file_range", FD, 2, 0, 1},
    {SYS_sendfile, "sendfile", FD, 0, 0, 1},
    {SYS_fsync, "fsync", FD, 0, 0, 1},
    {SYS_fdatasync, "fdatasync", FD, 0, 0, 1},
    {SYS_syncfs, "syncfs", FD, 0, 0, 1},
    {SYS_ftruncate, "ftruncate", FD, 0, 0, 1},
    {SYS_fallocate, "fallocate", FD, 0, 0, 1},
    {SYS_fchmod, "fchmod", FD, 0, 0, 1},
    {SYS_openat, "create", AT, 0, 0, 1},
    {SYS_mkdirat, "mkdir", AT, 0, 0, 1},
    {SYS_unlinkat, "unlink", AT, 0, 0, 1},
    {SYS_linkat, "link", AT, 0, 2, 1},
    {SYS_renameat2, "rename", AT, 0, 2, 1},
    {SYS_pread64, "pread64", FD, 0, 0, 0},
    {SYS_read, "read", FD, 0, 0, 0},
    {SYS_openat, "open", AT, 0, 0, 0},
    {SYS_flock, "flock", FD, 0, 0, 0},
#ifdef SYS_renameat
    {SYS_renameat, "rename", AT, 0, 2, 1},
#endif
#ifdef SYS_open
    {SYS_open, "create", NAME, 0, 0, 1},
    {SYS_open, "open", NAME, 0, 0, 0},
    {SYS_mkdir, "mkdir", NAME, 0, 0, 1},
    {SYS_rmdir, "rmdir", NAME, 0, 0, 1},
    {SYS_unlink, "unlink", NAME, 0, 0, 1},
    {SYS_link, "link", NAME, 0, 1, 1},
    {SYS_rename, "rename", NAME, 0, 1, 1},
#endif
};
enum { CALLS = sizeof calls / sizeof *calls, FAULTS = 8, LONG = 8192 };

struct fault {
    char *call, *action, *path;
    long when, seen;
    long step; /* after the first: 0 none, 1 all, 2 every second */
};

static struct fault faults[FAULTS];
static int fault_count, log_fd;
static const char *within;

static void give_up(const char *what) {
    perror(what);
    exit(125);
}

static int number_of(const char *action) {
    static const struct { const char *name; int number; } known[] = {
        {"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EINTR", EINTR},   {"EDQUOT", EDQUOT}, {"EROFS", EROFS},
        {"EACCES", EACCES}, {"EMFILE", EMFILE}, {"EFBIG", EFBIG},   {"ENOLCK", ENOLCK}, {"EINVAL", EINVAL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].name, action)) return known[i].number;
    return 0;
}

static void parse(char *text) {
    struct fault *fault = &faults[fault_count++];
    fault->call = strsep(&text, ":");
    fault->action = strsep(&text, ":");
    char *when = strsep(&text, ":");
    fault->path = text;
    if (!when || fault_count == FAULTS) exit(125);
    fault->when = atol(when);
    char end = when[strlen(when) - 1];
    fault->step = end == '+' ? 1 : strchr(when, '%') ? end - '0' : 0;
    const char *a = fault->action;
    if (!number_of(a) && strcmp(a, "short") && strcmp(a, "torn") && strcmp(a, "kill")) exit(125);
}

/* Only the calls of interest are handed over; all others run at full speed. */
static int wanted(const struct call *call) {
    if (call->changes) return 1;
    for (int i = 0; i < fault_count; i++)
        if (!strcmp(faults[i].call, call->name)) return 1;
    return 0;
}

static int listen_to_own_calls(void) {
    struct sock_filter program[CALLS * 2 + 2];
    unsigned short length = 0;
    program[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALLS; i++) {
        if (!wanted(&calls[i])) continue;
        program[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i].number, 0, 1);
        program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    }
    program[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {.len = length, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) give_up("no_new_privs");
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    if (listener < 0) give_up("seccomp");
    return listener;
}

/* A message of one byte that carries a descriptor from one process to the other. */
static int pass_fd(int socket, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (fd < 0) {
        if (recvmsg(socket, &message, 0) <= 0) return -1;
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
        return fd;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket, &message, 0) < 0 ? -1 : fd;
}

static void link_target(pid_t pid, const char *what, char *into, size_t room) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/%s", pid, what);
    ssize_t length = readlink(link, into, room - 1);
    into[length < 0 ? 0 : length] = 0;
}

/* The text at an address of the program, and before it the folder if it is relative. */
static void name_at(pid_t pid, int folder, unsigned long long address, char *into, size_t room) {
    char text[4096] = "", fd[32];
    /* Page by page: the text may end just before memory that is not there. */
    for (size_t have = 0; have < sizeof text - 1 && !memchr(text, 0, have);) {
        size_t step = 4096 - (address + have) % 4096;
        if (step > sizeof text - 1 - have) step = sizeof text - 1 - have;
        struct iovec here = {text + have, step}, there = {(void *)(address + have), step};
        if (process_vm_readv(pid, &here, 1, &there, 1, 0) <= 0) break;
        have += step;
    }
    into[0] = 0;
    if (text[0] != '/') {
        snprintf(fd, sizeof fd, "fd/%d", folder);
        link_target(pid, folder == AT_FDCWD ? "cwd" : fd, into, room);
        strncat(into, "/", room - strlen(into) - 1);
    }
    strncat(into, text, room - strlen(into) - 1);
}

static void path_of(const struct seccomp_notif *ask, const struct call *call, char *into) {
    const __u64 *args = ask->data.args;
    pid_t pid = (pid_t)ask->pid;
    char fd[32];
    if (call->place == FD) {
        snprintf(fd, sizeof fd, "fd/%d", (int)args[call->first]);
        link_target(pid, fd, into, LONG / 2);
        return;
    }
    int at = call->place == AT;
    name_at(pid, at ? (int)args[call->first] : AT_FDCWD, args[call->first + at], into, LONG / 2);
    if (!call->second) return;
    strcat(into, " ");
    name_at(pid, at ? (int)args[call->second] : AT_FDCWD, args[call->second + at], into + strlen(into), LONG / 2);
}

static const struct call *call_of(const struct seccomp_data *data) {
    for (int i = 0; i < CALLS; i++) {
        if (calls[i].number != data->nr) continue;
        int opens = !strcmp(calls[i].name, "create") || !strcmp(calls[i].name, "open");
        __u64 flags = data->args[calls[i].place == AT ? 2 : 1];
        if (opens && calls[i].changes != !!(flags & (O_CREAT | O_TRUNC))) continue;
        return &calls[i];
    }
    return NULL;
}

static void note(const char *name, const char *path) {
    char line[LONG + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", name, path);
    if (write(log_fd, line, (size_t)length) != length) give_up("log");
}

static struct fault *fault_for(const struct call *call, const char *path) {
    struct fault *hit = NULL;
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        if (strcmp(fault->call, call->name) && !(call->changes && !strcmp(fault->call, "*"))) continue;
        if (fault->path && !strstr(path, fault->path)) continue;
        fault->seen++;
        long past = fault->seen - fault->when;
        if (!past || (past > 0 && fault->step && past % fault->step == 0)) hit = fault;
    }
    return hit;
}

/* Writes the first half in the program's name, at its descriptor. */
static long write_half(const struct seccomp_notif *ask, const struct call *call, pid_t child) {
    const __u64 *args = ask->data.args;
    size_t half = args[2] / 2 ? args[2] / 2 : 1;
    if (strcmp(call->name, "write") && strcmp(call->name, "pwrite64")) return -EINVAL;
    char *bytes = malloc(half);
    struct iovec here = {bytes, half}, there = {(void *)args[1], half};
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    int fd = (int)syscall(SYS_pidfd_getfd, process, (int)args[0], 0);
    if (!bytes || fd < 0 || process_vm_readv(child, &here, 1, &there, 1, 0) != (ssize_t)half) give_up("short");
    long done = !strcmp(call->name, "write") ? write(fd, bytes, half) : pwrite(fd, bytes, half, (off_t)args[3]);
    if (done < 0) done = -errno;
    close(fd);
    close(process);
    free(bytes);
    return done;
}

static void answer(int listener, const struct seccomp_notif *ask, pid_t child) {
    struct seccomp_notif_resp reply = {.id = ask->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    char path[LONG] = "";
    const struct call *call = call_of(&ask->data);
    if (call) path_of(ask, call, path);
    if (call && strstr(path, within)) {
        struct fault *fault = fault_for(call, path);
        if (fault || (!fault_count && call->changes)) note(call->name, path);
        if (fault) {
            reply.flags = 0;
            int half = !strcmp(fault->action, "short") || !strcmp(fault->action, "torn");
            if (half)
                reply.val = write_half(ask, call, child);
            else
                reply.error = -number_of(fault->action);
            if (reply.val < 0) reply.error = (int)reply.val, reply.val = 0;
            if (!strcmp(fault->action, "kill") || !strcmp(fault->action, "torn")) kill(child, SIGKILL);
        }
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply); /* fails if the program is dead by now */
}

static void serve(int listener, pid_t child) {
    for (;;) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        if (poll(&ready, 1, -1) < 0) continue;
        if (ready.revents & POLLIN) {
            struct seccomp_notif ask;
            memset(&ask, 0, sizeof ask);
            if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask)) answer(listener, &ask, child);
        } else if (ready.revents & (POLLHUP | POLLERR)) {
            return;
        }
    }
}

int main(int count, char **words) {
    int next = 3, ends[2], status;
    if (count < 5) return 125;
    within = words[2];
    while (words[next] && strcmp(words[next], "--")) parse(words[next++]);
    if (!words[next] || !words[next + 1]) return 125;
    char **program = words + next + 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) give_up("socketpair");
    pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pass_fd(ends[1], listen_to_own_calls()) < 0) _exit(125);
        execv(program[0], program);
        _exit(125);
    }
    close(ends[1]);
    log_fd = open(words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_fd < 0) give_up(words[1]);
    int listener = pass_fd(ends[0], -1);
    if (listener >= 0) serve(listener, child);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFSIGNALED(status)) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
        pause();
    }
    return WEXITSTATUS(status);
}
