/* clock.c - a wall's clock that can be set for one node alone: an LD_PRELOAD
 * shim
 *
 * The file QUAIL_CLOCK_FILE is mapped; its bytes 0-7 are seconds, in the
 * machine's own order, by which CLOCK_REALTIME and time(2) are ahead (or
 * behind). The other clocks go on as they do. Without the file it does nothing.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *ahead_s;

__attribute__((constructor)) static void
map_file(void)
{
	const char *path = getenv("QUAIL_CLOCK_FILE");
	void *at;
	int fd;

	fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd == -1)
		return;
	at = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (at != MAP_FAILED)
		ahead_s = at;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int r = (int)syscall(SYS_clock_gettime, clock, now);

	if (r == 0 && clock == CLOCK_REALTIME && ahead_s != NULL)
		now->tv_sec += *ahead_s;
	return r;
}

time_t
time(time_t *at)
{
	struct timespec now = {0, 0};

	clock_gettime(CLOCK_REALTIME, &now);
	if (at != NULL)
		*at = now.tv_sec;
	return now.tv_sec;
}
