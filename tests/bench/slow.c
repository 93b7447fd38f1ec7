/* slow.c - a slower disk, for every program alike: an LD_PRELOAD shim
 *
 * Counts the flushes (fsync, fdatasync, sync_file_range, syncfs, sync,
 * msync) of whatever it is loaded into, and makes each of them take as many
 * milliseconds more as the file says: the first line of BENCH_SLOW, or of
 * /run/bench-slow where programs clear their environment (they are given
 * this shim by /etc/ld.so.preload then). The file is mapped: its bytes 0-7
 * are the milliseconds, 8-15 the count, both in the machine's own order.
 * Without the file it does nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shared {
	uint64_t extra_ms, count;
};

static struct shared *shared;

__attribute__((constructor)) static void
map_file(void)
{
	const char *path = getenv("BENCH_SLOW");
	void *at;
	int fd;

	fd = open(path != NULL ? path : "/run/bench-slow", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	at = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		  0);
	close(fd);
	if (at != MAP_FAILED)
		shared = at;
}

/* after - a flush has returned; keeps errno */
static long
after(long returned)
{
	struct timespec pause = {0, 0};
	int error = errno;

	if (shared != NULL) {
		__atomic_add_fetch(&shared->count, 1, __ATOMIC_RELAXED);
		pause.tv_nsec = (long)shared->extra_ms * 1000000;
		if (pause.tv_nsec > 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	errno = error;
	return returned;
}

int
fsync(int fd)
{
	return (int)after(syscall(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
	return (int)after(syscall(SYS_fdatasync, fd));
}

int
syncfs(int fd)
{
	return (int)after(syscall(SYS_syncfs, fd));
}

void
sync(void)
{
	after(syscall(SYS_sync));
}

int
msync(void *at, size_t len, int flags)
{
	return (int)after(syscall(SYS_msync, at, len, flags));
}

/* A hint to begin writing is not a flush. */
int
sync_file_range(int fd, off_t from, off_t len, unsigned flags)
{
	long returned = syscall(SYS_sync_file_range, fd, from, len, flags);

	return (int)(flags & SYNC_FILE_RANGE_WAIT_AFTER ? after(returned)
							: returned);
}
