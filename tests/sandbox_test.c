/* sandbox_test.c - does each kind of daemon get no further than it should?
 *
 * Each try of sandbox_tries.h is made in a process of its own: once with all
 * rights, where it must come through to count at all, then in the sandbox of
 * each kind, as wall_up makes it, where only those may that need it. The table
 * of all is printed.
 *
 * For sandbox.t:
 *   sandbox_test list KIND              the numbers of the calls it may make
 *   sandbox_test without CALL CMD...    run CMD where that call says ENOSYS
 *   sandbox_test given ABI              0: all is given, landlock from ABI on
 */
#include "cdb/wall.h"
#include "lib/log.h"
#include "lib/sandbox_parts.h"
#include "tests/sandbox_tries.h"
#include "tests/tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { KILLED = -1, FREE = SANDBOX_KINDS };

static char node[] = "/var/tmp/quail-sandbox-XXXXXX";
static char outside[] = "/var/tmp/quail-outside-XXXXXX";
static struct sandbox given;

static const char *const names[] = {
    [SANDBOX_FRONT] = "front",	     [SANDBOX_OUT] = "out",
    [SANDBOX_QUEUE] = "queue",	     [SANDBOX_MAILDIR] = "maildir",
    [SANDBOX_LEAFDOOR] = "leafdoor", [SANDBOX_DRAIN] = "drain",
};

static void
go_in(unsigned kind)
{
	struct wall wall = {.kind = kind, .is_quiet = true};
	struct config c;
	struct buf why = {0};

	if (kind == SANDBOX_LEAFDOOR || kind == SANDBOX_DRAIN)
		wall.spool = "spool/.";
	if (config_open(&c, "config.cdb", &why) != 0)
		_exit(99);
	wall_up(&wall, &c);
	given = wall.given;
}

static int
listen_to(unsigned short *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 1000) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		perror("listening");
	*port = ntohs(a.sin_port);
	return fd;
}

/* What the try of an earlier process has left or taken. */
static void
lay_out(void)
{
	static const char *const made[] = {
	    "made",   "queue/made",  "mail/made",	"spool/made",
	    "linked", "mail/linked", "config.cdb.fake", "spool/fifo",
	    "spool/s"};
	unsigned short port;
	size_t i;

	for (i = 0; i < sizeof made / sizeof *made; i++)
		unlink(made[i]);
	rmdir("directory");
	close(aims.listener);
	aims.listener = listen_to(&port);
	table("other", "not yours\n");
}

/* In a process of its own: 0, an errno, or KILLED. */
static int
outcome_of(const struct sandbox_try *t, unsigned kind)
{
	int status;
	pid_t pid;

	lay_out();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		dup2(aims.log, STDERR_FILENO);
		if (kind != FREE)
			go_in(kind);
		_exit(t->run());
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return ECHILD;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return KILLED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static const char *
word(int outcome)
{
	return outcome == 0	   ? "done"
	       : outcome == KILLED ? "KILLED"
				   : strerrorname_np(outcome);
}

/* EPERM and EACCES are the sandbox's words; EXDEV landlock's for a link or
 * rename that would give rights, ENOSYS that of clone3. */
static bool
is_refusal(int outcome)
{
	return outcome == KILLED || outcome == EPERM || outcome == EACCES ||
	       outcome == EXDEV;
}

static void
look_at(const struct sandbox_try *t)
{
	int free_outcome = outcome_of(t, FREE);
	bool counts = free_outcome == 0, good = true;
	char line[256];
	unsigned kind;
	int n = snprintf(line, sizeof line, "%-30s %-8s", t->what,
			 word(free_outcome));

	for (kind = 0; kind < SANDBOX_KINDS; kind++) {
		bool may = (t->may & 1u << kind) || given.landlock < t->abi;
		int o = outcome_of(t, kind);

		if (!may)
			good = good && (is_refusal(o) || (!counts && o != 0));
		else if (counts && t->may & 1u << kind)
			good = good && o == 0;
		n += snprintf(line + n, sizeof line - (size_t)n, "%-9s",
			      word(o));
	}
	ok(good, "%s%s", line,
	   counts ? "" : "(here it fails without a sandbox too)");
}

static void
listen_abstract(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "quail-test-%d",
		 (int)aims.parent);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 1000) != 0)
		perror("an abstract socket");
}

static pid_t
make_victim(void)
{
	pid_t pid;

	memcpy(aims.secret, "a secret", 9);
	pid = fork();
	while (pid == 0)
		pause();
	return pid;
}

static void
begin(void)
{
	struct report r;

	if (!mkdtemp(outside) || !mkdtemp(node) || chdir(outside) != 0)
		exit(1);
	table("secret", "not yours\n");
	aims.log = open("log", O_RDWR | O_CREAT | O_APPEND, 0600);
	if (chdir(node) != 0 || mkdir("queue", 0700) != 0 ||
	    mkdir("mail", 0700) != 0 || mkdir("spool", 0700) != 0)
		exit(1);
	table("me", "hub.example\n");
	table("users", "*@hub.example maildir:mail/%u\n");
	table("locals", "hub.example\n");
	report_init(&r);
	if (config_build(".", &r) != BUILD_DONE)
		exit(1);
	report_free(&r);
	aims.outside = outside;
	aims.parent = getpid();
	listen_to(&aims.port);
	aims.listener = -1;
	listen_abstract();
	aims.victim = make_victim();
}

static void
end(void)
{
	static const char *const files[] = {
	    "me", "users", "locals", "config.cdb", BUILD_PREVIOUS, "other"};
	size_t i;

	kill(aims.victim, SIGKILL);
	waitpid(aims.victim, NULL, 0);
	lay_out();
	for (i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	rmdir("queue");
	rmdir("mail");
	rmdir("spool");
	if (chdir(outside) == 0) {
		unlink("secret");
		unlink("log");
		unlink("made");
	}
	if (chdir("/") != 0 || rmdir(node) != 0 || rmdir(outside) != 0)
		perror("cleaning up");
}

/* What does this kernel give? */
static void
find_given(void)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		go_in(SANDBOX_FRONT);
		_exit(write(ends[1], &given, sizeof given) != sizeof given);
	}
	waitpid(pid, NULL, 0);
	if (read(ends[0], &given, sizeof given) != sizeof given)
		exit(1);
	close(ends[0]);
	close(ends[1]);
}

static int
list(const char *name)
{
	const struct sandbox_call *calls;
	unsigned kind = 0;
	size_t n, i;

	while (kind < SANDBOX_KINDS && strcmp(names[kind], name) != 0)
		kind++;
	calls = sandbox_list(&n);
	for (i = 0; i < n; i++)
		if (calls[i].kinds & 1u << kind &&
		    calls[i].how != SANDBOX_DEADLY)
			printf("%u\n", calls[i].number);
	return kind == SANDBOX_KINDS;
}

static int
without(unsigned call, char **argv)
{
	struct sock_filter ops[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	const struct sock_fprog p = {.len = 4, .filter = ops};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) == 0)
		execvp(argv[0], argv);
	perror(argv[0]);
	return 77;
}

int
main(int argc, char **argv)
{
	unsigned i, kind;

	if (argc == 3 && strcmp(argv[1], "list") == 0)
		return list(argv[2]);
	if (argc > 3 && strcmp(argv[1], "without") == 0)
		return without((unsigned)atoi(argv[2]), argv + 3);

	log_program("sandbox_test");
	if (!sandbox_is_built() && argc == 1) {
		printf("1..0 # SKIP built with a sanitizer, which needs more "
		       "calls\n");
		return 0;
	}
	unsetenv("QUAIL_SANDBOX");
	begin();
	find_given();
	if (argc == 3 && strcmp(argv[1], "given") == 0) {
		end();
		return !sandbox_is_whole(&given) ||
		       given.landlock < atoi(argv[2]);
	}
	if (!sandbox_is_whole(&given)) {
		printf(
		    "1..0 # SKIP this kernel gives landlock %d, seccomp %s\n",
		    given.landlock, given.seccomp ? "yes" : "no");
		end();
		return 0;
	}
	printf("# %-33s %-8s", "", "free");
	for (kind = 0; kind < SANDBOX_KINDS; kind++)
		printf("%-9s", names[kind]);
	printf("\n");
	for (i = 0; i < n_sandbox_tries; i++)
		look_at(&sandbox_tries[i]);
	end();
	return tap_done();
}
