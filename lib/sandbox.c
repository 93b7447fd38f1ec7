#include "lib/sandbox_parts.h"

#include "lib/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Are we built with what needs more calls? */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_BUILT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define IS_BUILT false
#endif
#endif
#ifndef IS_BUILT
#define IS_BUILT true
#endif

bool
sandbox_is_built(void)
{
	return IS_BUILT;
}

bool
sandbox_is_whole(const struct sandbox *s)
{
	return s->no_new_privs && s->landlock > 0 && s->seccomp;
}

static bool
is_refused(int e)
{
	return e == EPERM || e == EACCES;
}

static const char *
missing_landlock(int e)
{
	if (is_refused(e))
		return "something around this process, a container's filter "
		       "perhaps, refuses landlock";
	if (e == EOPNOTSUPP)
		return "the kernel has landlock, but it was not switched on at "
		       "boot (lsm=)";
	return e == 0 ? "the kernel's landlock is too old"
		      : "the kernel gives no landlock, or something around "
			"this process hides it";
}

const char *
sandbox_missing(const struct sandbox *s)
{
	if (!sandbox_is_built())
		return "this program is built with a sanitizer";
	if (!s->no_new_privs)
		return "something around this process refuses no_new_privs";
	if (s->landlock == 0)
		return missing_landlock(s->landlock_errno);
	return is_refused(s->seccomp_errno)
		   ? "something around this process, a container's filter "
		     "perhaps, refuses seccomp"
		   : "the kernel gives no seccomp, or something around this "
		     "process hides it";
}

/* landlock; the numbers are the same on all machines */

enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD = 445, LANDLOCK_RESTRICT = 446 };
enum { WHICH_ABI = 1 };		   /* a flag of the first */
enum { BENEATH = 1, PORT = 2 };	   /* kinds of rules */
enum { BIND = 1, CONNECT = 2 };	   /* rights of a port */
enum { ABSTRACT = 1, SIGNAL = 2 }; /* scopes */

struct ruleset {
	uint64_t files, ports, scopes;
};

struct beneath {
	uint64_t may;
	int32_t fd;
} __attribute__((packed));

struct port {
	uint64_t may, number;
};

/* Rights of files, in the order of the bits. */
enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5,
	MAKE_DIR = 1 << 7,
	MAKE_FILE = 1 << 8,
	UP_TO_ABI_1 = (1 << 13) - 1,
	REFER = 1 << 13,    /* ABI 2: to link and rename between directories */
	TRUNCATE = 1 << 14, /* ABI 3 */
	DEVICE_IOCTL = 1 << 15, /* ABI 5 */
	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | DEVICE_IOCTL,
	TO_WRITE = WRITE_FILE | READ_FILE | READ_DIR | REMOVE_DIR |
		   REMOVE_FILE | MAKE_DIR | MAKE_FILE | REFER | TRUNCATE
};

/* The first ABI had no way to say that files may go to another directory:
 * none may, and no mail gets into new/. */
enum { FIRST_ABI = 2 };

static int
abi(int *error)
{
	long n = syscall(LANDLOCK_CREATE, NULL, 0, WHICH_ABI);

	*error = n < 0 ? errno : 0;
	return n < FIRST_ABI ? 0 : (int)n;
}

static bool
has_network(enum sandbox_kind kind)
{
	return kind == SANDBOX_OUT || kind == SANDBOX_DRAIN;
}

/* All that this kernel knows of is refused, unless a rule allows it. */
static struct ruleset
refused(int version, enum sandbox_kind kind)
{
	struct ruleset r = {.files = UP_TO_ABI_1 | REFER};

	if (version >= 3)
		r.files |= TRUNCATE;
	if (version >= 4)
		r.ports = has_network(kind) ? BIND : BIND | CONNECT;
	if (version >= 5)
		r.files |= DEVICE_IOCTL;
	if (version >= 6)
		r.scopes = ABSTRACT | SIGNAL;
	return r;
}

static void
allow(int set, uint64_t known, const struct sandbox_path *p)
{
	static const uint64_t rights[] = {
	    [SANDBOX_READ] = READ_FILE,
	    [SANDBOX_WRITE] = TO_WRITE,
	    [SANDBOX_SCRATCH] = READ_FILE | WRITE_FILE,
	};
	struct beneath rule = {.may = rights[p->may],
			       .fd = open(p->path, O_PATH | O_CLOEXEC)};
	struct stat st;

	if (rule.fd < 0)
		return;
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.may &= OF_FILES;
	rule.may &= known;
	syscall(LANDLOCK_ADD, set, BENEATH, &rule, 0);
	close(rule.fd);
}

/* A source address is bound with a port that the kernel chooses; on no other
 * anybody could connect to us. */
static void
allow_any_port(int set)
{
	const struct port rule = {.may = BIND, .number = 0};

	syscall(LANDLOCK_ADD, set, PORT, &rule, 0);
}

/* Returns the ABI; 0: there is none, *error says why. */
static int
restrict_files(enum sandbox_kind kind, const struct sandbox_path *paths,
	       size_t n, int *error)
{
	int version = abi(error), set, r;
	struct ruleset all = refused(version, kind);
	size_t i;

	if (version == 0)
		return 0;
	set = (int)syscall(LANDLOCK_CREATE, &all, sizeof all, 0);
	if (set < 0) {
		*error = errno;
		return 0;
	}
	for (i = 0; i < n; i++)
		allow(set, all.files, &paths[i]);
	if (kind == SANDBOX_OUT && all.ports)
		allow_any_port(set);
	r = (int)syscall(LANDLOCK_RESTRICT, set, 0);
	*error = r == 0 ? 0 : errno;
	close(set);
	return r == 0 ? version : 0;
}

void
sandbox_files(struct sandbox *s, enum sandbox_kind kind,
	      const struct sandbox_path *paths, size_t n)
{
	*s = (struct sandbox){0};
	if (!sandbox_is_built())
		return;
	s->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	if (s->no_new_privs)
		s->landlock =
		    restrict_files(kind, paths, n, &s->landlock_errno);
}

/* seccomp */

/* AS_FAST: kernels before 5.16 would switch off guesses of the processor for
 * us, against foreign code within a process; there is none. */
enum { SET_FILTER = 1, ALL_THREADS = 1, AS_FAST = 4 };

static bool
set_filter(unsigned flags, const void *program)
{
	return syscall(SYS_seccomp, SET_FILTER, flags, program) == 0;
}

static bool
kills(void)
{
	const char *how = secure_getenv("QUAIL_SANDBOX");

	return how && strcmp(how, "kill") == 0;
}

/* Our starter hands them over from 3 on, or we have made them at our start:
 * none is far up. */
static void
find_listeners(struct sandbox_listeners *l)
{
	enum { HIGHEST = 1024 };
	socklen_t len;
	int fd, is;

	l->n = 0;
	for (fd = 0; fd < HIGHEST && l->n < SANDBOX_LISTENERS_MAX; fd++) {
		len = sizeof is;
		is = 0;
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &len) == 0 &&
		    is)
			l->fds[l->n++] = fd;
	}
}

void
sandbox_calls(struct sandbox *s, enum sandbox_kind kind)
{
	static struct sandbox_program p;
	static struct sandbox_listeners listeners;
	struct { /* sock_fprog */
		unsigned short n;
		struct sandbox_op *ops;
	} program;

	if (!s->no_new_privs)
		return;
	find_listeners(&listeners);
	if (!sandbox_write(&p, kind, &listeners, kills()))
		return;
	program.n = (unsigned short)p.n;
	program.ops = p.ops;
	s->seccomp = set_filter(ALL_THREADS | AS_FAST, &program) ||
		     set_filter(ALL_THREADS, &program);
	s->seccomp_errno = s->seccomp ? 0 : errno;
}
