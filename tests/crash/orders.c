/* orders.c - crash-orders: well-known orders of calls, for a power loss
 *
 * usage: crash-orders DIR LEDGER link|linkdir|made COUNT
 *
 * Files COUNT messages, each written, synced and linked to its name; with
 * linkdir the directory is synced too, and with made each message goes to
 * a Maildir of its own, made just before, and only new is synced. Every name
 * goes into LEDGER, which stands on another disk, once it would be
 * acknowledged. When the last one is, the caller lets the file system's power
 * fail.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_one(int dir, const char *tmp)
{
	char text[4096];
	int fd;

	memset(text, 'x', sizeof text);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, text, sizeof text) != sizeof text ||
	    fsync(fd) != 0)
		return -1;
	return close(fd);
}

static void
file_one(int dir, unsigned long n, int sync_dir)
{
	char tmp[32], name[32];

	snprintf(tmp, sizeof tmp, "tmp%lu", n);
	snprintf(name, sizeof name, "m%lu", n);
	if (write_one(dir, tmp) != 0 || linkat(dir, tmp, dir, name, 0) != 0 ||
	    (sync_dir && fsync(dir) != 0))
		err(111, "%s", name);
}

static int
make_in(int dir, const char *name)
{
	return mkdirat(dir, name, 0700) == 0
		   ? openat(dir, name, O_RDONLY | O_DIRECTORY)
		   : -1;
}

/* In a Maildir that is new, as somebody else may have made it. */
static void
file_made(int dir, unsigned long n)
{
	char name[32];
	int box, tmp, new;

	snprintf(name, sizeof name, "box%lu", n);
	box = make_in(dir, name);
	tmp = make_in(box, "tmp");
	new = make_in(box, "new");
	if (new < 0 || write_one(tmp, "m") != 0 ||
	    renameat(tmp, "m", new, "m") != 0 || fsync(new) != 0)
		err(111, "%s", name);
	close(new);
	close(tmp);
	close(box);
}

int
main(int argc, char **argv)
{
	unsigned long i, n;
	bool is_made;
	FILE *ledger;
	int dir;

	if (argc != 5)
		errx(100, "usage: crash-orders DIR LEDGER link|linkdir|made "
			  "COUNT");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	ledger = fopen(argv[2], "w");
	if (dir < 0 || !ledger)
		err(111, "%s", argv[1]);
	is_made = strcmp(argv[3], "made") == 0;
	n = strtoul(argv[4], NULL, 10);
	for (i = 0; i < n; i++) {
		if (is_made)
			file_made(dir, i);
		else
			file_one(dir, i, strcmp(argv[3], "linkdir") == 0);
		fprintf(ledger, is_made ? "box%lu/new/m\n" : "m%lu\n", i);
	}
	return fclose(ledger) == 0 ? 0 : 111;
}
