/* step.c - crash-step: stop, or fail, a real quail-queue at each system call
 *
 * usage: crash-step DIR QUEUE CLIENT kill STRIDE
 *        crash-step DIR QUEUE CLIENT ERROR STRIDE
 *
 * Runs the program QUEUE in the node DIR under ptrace while CLIENT
 * (crash-client) sends it a fixed work. The run is repeated for N = 1,
 * 1 + STRIDE ... until it gets through: "kill" kills the daemon before its
 * N-th system call; an ERROR (ENOSPC, EIO, EDQUOT, EINTR, EMFILE) is what its
 * N-th call to the disk returns, without being made; "short" halves that
 * call if it is a write.
 *
 * After each run: a daemon that still lives must take another message. Then
 * it is started anew, and CLIENT sends again what has no answer, must find
 * everything that was ever acknowledged, and be given a K once more.
 *
 * Exit: 0; 1 for the first N where that is not so, which is told.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILL = -1, SHORT = 0 };

static const struct {
	const char *name;
	int what;
} ways[] = {{"kill", KILL},    {"short", SHORT},   {"ENOSPC", ENOSPC},
	    {"EIO", EIO},      {"EDQUOT", EDQUOT}, {"EINTR", EINTR},
	    {"EMFILE", EMFILE}};

/* what touches the queue's files */
static const uint64_t disk_calls[] = {
    SYS_openat,	   SYS_pwrite64, SYS_pread64,	SYS_fdatasync,	SYS_fsync,
    SYS_mkdirat,   SYS_unlinkat, SYS_ftruncate, SYS_getdents64,
#ifdef SYS_renameat
    SYS_renameat,
#endif
    SYS_renameat2, SYS_flock,	 SYS_fstatfs};

static struct {
	const char *dir, *queue, *client;
	char ledger[512], clean[1100], clean_run[600];
	int what;
	unsigned long n; /* the call that is hit */
	unsigned long n_calls, n_disk_calls;
	bool disk_begun, hit, failing;
	struct user_regs_struct regs; /* before the call that fails */
	unsigned long n_ended, n_lived;
} s;

static pid_t
spawn(bool traced, char *const argv[])
{
	pid_t pid = fork();
	int null;

	if (pid < 0)
		err(111, "fork");
	if (pid > 0)
		return pid;
	null = open("/dev/null", O_RDWR);
	if (dup2(null, 0) < 0 || (traced && dup2(null, 2) < 0))
		_exit(111);
	if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(111);
	execv(argv[0], argv);
	_exit(111);
}

static pid_t
start_client(const char *mode, const char *count, const char *window)
{
	char *argv[] = {(char *)(uintptr_t)s.client,
			(char *)(uintptr_t)s.dir,
			s.ledger,
			(char *)(uintptr_t)mode,
			(char *)(uintptr_t)count,
			(char *)(uintptr_t)window,
			NULL};

	return spawn(false, argv);
}

static int
client(const char *mode, const char *count)
{
	int status;
	pid_t pid = start_client(mode, count, "1");

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(111, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

static pid_t
start_queue(bool traced)
{
	char *argv[] = {(char *)(uintptr_t)s.queue, (char *)(uintptr_t)s.dir,
			NULL};

	return spawn(traced, argv);
}

static void
end_queue(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == pid && !WIFSIGNALED(status) &&
	       !WIFEXITED(status))
		;
}

/* one call of the daemon */

static bool
is_disk_call(uint64_t nr)
{
	size_t i;

	if (nr == SYS_mkdirat) /* of queue/, the first thing it does */
		s.disk_begun = true;
	for (i = 0; s.disk_begun && i < sizeof disk_calls / sizeof *disk_calls;
	     i++)
		if (disk_calls[i] == nr)
			return true;
	return false;
}

#ifdef __x86_64__
static void
begin_failing(pid_t pid, uint64_t nr)
{
	struct user_regs_struct r;

	if (s.what == SHORT && nr != SYS_pwrite64)
		return;
	ptrace(PTRACE_GETREGS, pid, NULL, &s.regs);
	r = s.regs;
	if (s.what == SHORT)
		r.rdx -= r.rdx / 2;
	else
		r.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, pid, NULL, &r);
	s.failing = true;
}

static void
end_failing(pid_t pid)
{
	struct user_regs_struct r;

	s.failing = false;
	ptrace(PTRACE_GETREGS, pid, NULL, &r);
	if (s.what == SHORT)
		r.rdx = s.regs.rdx;
	else
		r.rax = (unsigned long long)-(long long)s.what;
	ptrace(PTRACE_SETREGS, pid, NULL, &r);
}
#else
static void
begin_failing(pid_t pid, uint64_t nr)
{
	(void)pid, (void)nr;
	errx(111, "calls can be made to fail on x86-64 only");
}

static void
end_failing(pid_t pid)
{
	(void)pid;
}
#endif

/* True when the daemon is to be killed here. */
static bool
on_call(pid_t pid)
{
	struct __ptrace_syscall_info info = {0};
	bool disk;

	ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && s.failing)
		end_failing(pid);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	s.n_calls++;
	disk = is_disk_call(info.entry.nr);
	s.n_disk_calls += disk;
	if (s.what == KILL) {
		s.hit = s.hit || s.n_calls == s.n;
		return s.hit;
	}
	if (disk && s.n_disk_calls == s.n) {
		s.hit = true;
		begin_failing(pid, info.entry.nr);
	}
	return false;
}

/* The daemon and the client run until one ends. Returns the daemon's pid, 0
 * when it is gone. */
static pid_t
run_both(pid_t queue)
{
	pid_t sender = start_client("send", "30", "4"), pid;
	int status, signal;
	bool begun = false;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid < 0)
			err(111, "waitpid");
		if (pid == sender)
			return queue;
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		if (!begun)
			ptrace(PTRACE_SETOPTIONS, queue, NULL,
			       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80) && on_call(queue)) {
			end_queue(queue);
			break;
		}
		if (!begun || signal == (SIGTRAP | 0x80))
			signal = 0;
		begun = true;
		ptrace(PTRACE_SYSCALL, queue, NULL, signal);
	}
	kill(sender, SIGTERM);
	while (waitpid(sender, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* It lives on: it has to take mail, when it has looked at the disk again. */
static bool
takes_mail(pid_t queue)
{
	int i, status, how = 2;

	kill(queue, SIGSTOP); /* it can be let go only while it stands */
	if (waitpid(queue, &status, 0) != queue || !WIFSTOPPED(status))
		return true; /* it has just ended */
	ptrace(PTRACE_DETACH, queue, NULL, 0);
	kill(queue, SIGCONT);
	for (i = 0; i < 8 && how == 2; i++) {
		if (i > 0)
			usleep(300000);
		how = client("send", "1");
		if (waitpid(queue, &status, WNOHANG) == queue)
			return true;
	}
	end_queue(queue);
	return how == 0 || how == 3;
}

/* Returns what is wrong, or NULL. */
static const char *
one_run(void)
{
	pid_t queue;
	bool lives = false, takes = true;
	int how;

	if (system(s.clean) != 0)
		err(111, "%s", s.clean);
	s.n_calls = s.n_disk_calls = 0;
	s.disk_begun = s.hit = s.failing = false;
	queue = run_both(start_queue(true));
	if (queue) {
		lives = true;
		if (s.what == KILL)
			end_queue(queue);
		else
			takes = takes_mail(queue);
	}
	s.n_lived += lives;
	s.n_ended += !lives;
	if (system(s.clean_run) != 0)
		err(111, "%s", s.clean_run);
	queue = start_queue(false);
	how = client("check", "20");
	end_queue(queue);
	if (!takes)
		return "it takes no mail any more";
	if (how == 3 && s.what != KILL) /* its keys found no room on the disk */
		how = 0;
	return how == 0	  ? NULL
	       : how == 1 ? "something acknowledged is lost"
	       : how == 3 ? "a repeat was taken for a new message"
			  : "it takes no mail after a restart";
}

int
main(int argc, char **argv)
{
	unsigned long stride, n_runs = 0;
	const char *wrong;
	size_t i;

	if (argc != 6)
		errx(100,
		     "usage: crash-step DIR QUEUE CLIENT kill|ERROR STRIDE");
	s.dir = argv[1];
	s.queue = argv[2];
	s.client = argv[3];
	stride = strtoul(argv[5], NULL, 10);
	for (i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strcmp(argv[4], ways[i].name) == 0)
			break;
	if (i == sizeof ways / sizeof *ways || stride == 0)
		errx(100, "no such error, or no stride");
	s.what = ways[i].what;
	snprintf(s.ledger, sizeof s.ledger, "%s.ledger", s.dir);
	snprintf(s.clean, sizeof s.clean, "rm -rf '%s'/queue '%s'/run/* '%s'",
		 s.dir, s.dir, s.ledger);
	snprintf(s.clean_run, sizeof s.clean_run, "rm -f '%s'/run/*", s.dir);
	signal(SIGALRM, SIG_DFL);
	for (s.n = 1;; s.n += stride, n_runs++) {
		alarm(120); /* nothing may hang */
		wrong = one_run();
		if (wrong) {
			printf("%s at call %lu: %s\n", argv[4], s.n, wrong);
			return 1;
		}
		if (!s.hit)
			break;
	}
	printf("%s at each %s%lu. of %lu calls: %lu runs, it ended in %lu\n",
	       argv[4], s.what == KILL ? "" : "disk call, ", stride,
	       s.what == KILL ? s.n_calls : s.n_disk_calls, n_runs, s.n_ended);
	return 0;
}
