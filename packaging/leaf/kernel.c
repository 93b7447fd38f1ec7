/* kernel.c - calls for the static leaf as the kernel has them, without what
 * libc does about threads and the vDSO
 *
 * The leaf has one thread, and asks for the time a few times a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

pid_t
fork(void)
{
	return _Fork();
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
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

#if defined(__LP64__)

/* The kernel's struct is libc's where numbers have 64 bits. */
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

#endif
