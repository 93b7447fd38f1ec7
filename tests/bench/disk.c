/* disk.c - what the disk allows: 4 KB records a second, synced in batches
 *
 * usage: disk DIR [SECONDS]
 *
 * Appends records to a file in DIR, one fdatasync per 1, 8, 64 and 512 of
 * them, each for SECONDS (1): first into fresh blocks, as a new log does,
 * then over blocks that were written before, as a recycled one does. What a
 * queue acknowledges a second can be put beside it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 4096, BATCH_MAX = 512 };

static const off_t file_max = (off_t)256 << 20;

static double
clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
write_all(int fd, const char *at, size_t len, off_t where)
{
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, at, len, where);
		if (n == -1)
			err(111, "writing");
		at += n;
		len -= (size_t)n;
		where += n;
	}
}

/* measure - records a second; from the file's begin again when it is full */
static double
measure(int fd, const char *records, unsigned batch, double seconds)
{
	double begun = clock_now(), took;
	uint64_t n = 0;
	off_t where = 0;

	do {
		if (where + (off_t)batch * RECORD > file_max)
			where = 0;
		write_all(fd, records, (size_t)batch * RECORD, where);
		if (fdatasync(fd) == -1)
			err(111, "fdatasync");
		where += (off_t)batch * RECORD;
		n += batch;
		took = clock_now() - begun;
	} while (took < seconds);
	return (double)n / took;
}

static int
fresh_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd == -1)
		err(111, "%s", name);
	return fd;
}

int
main(int argc, char **argv)
{
	static const unsigned batches[] = {1, 8, 64, BATCH_MAX};
	static char records[BATCH_MAX * RECORD];
	double seconds = argc > 2 ? atof(argv[2]) : 1;
	off_t where;
	unsigned i;
	int fd;

	if (argc < 2 || argc > 3 || !(seconds > 0) || seconds > 60)
		errx(100, "usage: disk DIR [SECONDS]");
	if (chdir(argv[1]) == -1)
		err(111, "%s", argv[1]);
	memset(records, 'x', sizeof records);
	for (i = 0; i < 4; i++) {
		fd = fresh_file("disk.tmp");
		printf("disk blocks=fresh batch=%u records_per_second=%.0f\n",
		       batches[i], measure(fd, records, batches[i], seconds));
		close(fd);
	}
	fd = fresh_file("disk.tmp");
	for (where = 0; where < file_max; where += (off_t)sizeof records)
		write_all(fd, records, sizeof records, where);
	if (fsync(fd) == -1)
		err(111, "fsync");
	for (i = 0; i < 4; i++)
		printf("disk blocks=written batch=%u records_per_second=%.0f\n",
		       batches[i], measure(fd, records, batches[i], seconds));
	close(fd);
	unlink("disk.tmp");
	return 0;
}
