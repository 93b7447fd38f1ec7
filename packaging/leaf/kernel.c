/* kernel.c - calls for the static leaf as the kernel has them, without what
 * libc does about threads, the vDSO, old kernels and stdio
 *
 * The leaf has one thread, and asks for the time a few times a message. It
 * leaves nothing to be done at its exit, and writes by write(2) alone.
 *
 * Test  tests/leaf_static.t
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pid_t
fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

_Noreturn void
exit(int code)
{
	_exit(code);
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
}

int
socket(int family, int type, int protocol)
{
	return (int)syscall(SYS_socket, family, type, protocol);
}

int
pipe2(int fds[2], int flags)
{
	return (int)syscall(SYS_pipe2, fds, flags);
}

/* Libc's makes its names of the time, which would bring the vDSO back. */
int
mkostemp(char *path, int flags)
{
	char *x = path + strlen(path) - 6;
	unsigned char random[6];
	int tries, fd = -1, i;

	for (tries = 0; tries < 100 && fd < 0; tries++) {
		if (getrandom(random, sizeof random, 0) != sizeof random)
			return -1;
		for (i = 0; i < 6; i++)
			x[i] = (char)('a' + random[i] % 26);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

/* The kernel's numbers are libc's where they have 64 bits. */
#if defined(__LP64__)

static bool
makes_file(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list rest;
	unsigned mode;

	va_start(rest, flags);
	mode = makes_file(flags) ? va_arg(rest, unsigned) : 0;
	va_end(rest);
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list rest;
	unsigned mode;

	va_start(rest, flags);
	mode = makes_file(flags) ? va_arg(rest, unsigned) : 0;
	va_end(rest);
	return openat(AT_FDCWD, path, flags, mode);
}

int
fcntl(int fd, int command, ...)
{
	va_list rest;
	unsigned long argument;

	va_start(rest, command);
	argument = va_arg(rest, unsigned long);
	va_end(rest);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int
fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

int
stat(const char *path, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int
fstatfs(int fd, struct statfs *st)
{
	return (int)syscall(SYS_fstatfs, fd, st);
}

/* What lib/fs.c asks for; the rest is zero. */
int
fstatvfs(int fd, struct statvfs *to)
{
	struct statfs from;

	if (fstatfs(fd, &from) != 0)
		return -1;
	*to = (struct statvfs){.f_frsize = (unsigned long)from.f_frsize,
			       .f_bavail = from.f_bavail,
			       .f_files = from.f_files,
			       .f_favail = from.f_ffree};
	return 0;
}

void *
mmap(void *at, size_t len, int rights, int flags, int fd, off_t from)
{
	return (void *)syscall(SYS_mmap, at, len, rights, flags, fd, from);
}

void *
mremap(void *at, size_t len, size_t new_len, int flags, ...)
{
	return (void *)syscall(SYS_mremap, at, len, new_len, flags);
}

/* What the kernel calls sigaction; its handlers return by way of restorer. */
struct action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

void
__restore_rt(void);

/* Nobody asks for the old one. */
int
sigaction(int signal, const struct sigaction *wanted, struct sigaction *old)
{
	enum { HAS_RESTORER = 0x04000000 };
	struct action a = {.handler = wanted->sa_handler,
			   .flags = (unsigned)wanted->sa_flags | HAS_RESTORER,
			   .restorer = __restore_rt};

	(void)old;
	memcpy(&a.mask, &wanted->sa_mask, sizeof a.mask);
	return (int)syscall(SYS_rt_sigaction, signal, &a, NULL, sizeof a.mask);
}

void (*signal(int signal, void (*handler)(int)))(int)
{
	struct sigaction a = {.sa_handler = handler, .sa_flags = SA_RESTART};

	return sigaction(signal, &a, NULL) == 0 ? SIG_DFL : SIG_ERR;
}

#endif
