/* disk.c - what the disk allows: 4 KB records a second, synced in batches
 *
 * usage: disk DIR [SECONDS]
 *
 * Appends records to a file in DIR, one fdatasync per 1, 8, 64 and 512 of
 * them, each for SECONDS (1): first into fresh blocks, as a new log does,
 * then over blocks that were written before, as a recycled one does. What a
 * queue acknowledges a second can be put beside it. Then one file for each, as
 * a Maildir demands: made in tmp/, synced, renamed into new/, new/ synced; by
 * one writer and by 64 at once.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 4096, BATCH_MAX = 512, WRITERS_MAX = 64 };

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

/* ---- a file for each */

struct writer {
	pthread_t thread;
	unsigned number;
	double until;
	int new_dir;
	unsigned n; /* files made */
};

static void
make_file(const struct writer *w, const char *record)
{
	char tmp[64], new[64];
	int fd;

	snprintf(tmp, sizeof tmp, "disk.box/tmp/%u.%u", w->number, w->n);
	snprintf(new, sizeof new, "disk.box/new/%u.%u", w->number, w->n);
	fd = fresh_file(tmp);
	write_all(fd, record, RECORD, 0);
	if (fsync(fd) == -1 || close(fd) == -1 || rename(tmp, new) == -1 ||
	    fsync(w->new_dir) == -1)
		err(111, "%s", new);
}

static void *
write_files(void *arg)
{
	static const char record[RECORD];
	struct writer *w = arg;

	while (clock_now() < w->until) {
		make_file(w, record);
		w->n++;
	}
	return NULL;
}

static void
remove_files(const struct writer *w)
{
	char new[64];
	unsigned i;

	for (i = 0; i < w->n; i++) {
		snprintf(new, sizeof new, "disk.box/new/%u.%u", w->number, i);
		unlink(new);
	}
}

/* measure_files - files a second by n_writers at once; leaves none */
static double
measure_files(unsigned n_writers, double seconds)
{
	static struct writer writers[WRITERS_MAX];
	double begun = clock_now(), took;
	unsigned i, n = 0;
	int new_dir;

	if (mkdir("disk.box", 0700) == -1 ||
	    mkdir("disk.box/tmp", 0700) == -1 ||
	    mkdir("disk.box/new", 0700) == -1)
		err(111, "disk.box");
	new_dir = open("disk.box/new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new_dir == -1)
		err(111, "disk.box/new");
	for (i = 0; i < n_writers; i++) {
		writers[i] = (struct writer){0, i, begun + seconds, new_dir, 0};
		if (pthread_create(&writers[i].thread, NULL, write_files,
				   &writers[i]) != 0)
			errx(111, "no thread");
	}
	for (i = 0; i < n_writers; i++) {
		pthread_join(writers[i].thread, NULL);
		n += writers[i].n;
	}
	took = clock_now() - begun;
	for (i = 0; i < n_writers; i++)
		remove_files(&writers[i]);
	close(new_dir);
	rmdir("disk.box/new");
	rmdir("disk.box/tmp");
	rmdir("disk.box");
	return n / took;
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
	printf("disk files writers=1 records_per_second=%.0f\n",
	       measure_files(1, seconds));
	printf("disk files writers=64 records_per_second=%.0f\n",
	       measure_files(WRITERS_MAX, seconds));
	return 0;
}
