/* orders.c - crash-orders: well-known orders of calls, to be stopped
 *
 * usage: crash-orders DIR LEDGER link|linkdir COUNT
 *
 * Files COUNT messages, each written, synced and linked to its name; with
 * linkdir the directory is synced too. Every name goes into LEDGER, which
 * stands on another disk, once it would be acknowledged. When the last one
 * is, the file system's power fails.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GOING_DOWN	  _IOR('X', 125, uint32_t)
#define WITHOUT_LOG_FLUSH 2

static void
file_one(int dir, unsigned long n, int sync_dir)
{
	char tmp[32], name[32], text[4096];
	int fd;

	snprintf(tmp, sizeof tmp, "tmp%lu", n);
	snprintf(name, sizeof name, "m%lu", n);
	memset(text, 'x', sizeof text);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, sizeof text) != sizeof text ||
	    fsync(fd) != 0 || close(fd) != 0 ||
	    linkat(dir, tmp, dir, name, 0) != 0 ||
	    (sync_dir && fsync(dir) != 0))
		err(111, "%s", name);
}

int
main(int argc, char **argv)
{
	uint32_t how = WITHOUT_LOG_FLUSH;
	unsigned long i, n;
	FILE *ledger;
	int dir;

	if (argc != 5)
		errx(100, "usage: crash-orders DIR LEDGER link|linkdir COUNT");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	ledger = fopen(argv[2], "w");
	if (dir < 0 || !ledger)
		err(111, "%s", argv[1]);
	n = strtoul(argv[4], NULL, 10);
	for (i = 0; i < n; i++) {
		file_one(dir, i, strcmp(argv[3], "linkdir") == 0);
		fprintf(ledger, "m%lu\n", i);
	}
	fflush(ledger);
	if (ioctl(dir, GOING_DOWN, &how) != 0)
		err(111, "shutting down");
	return 0;
}
