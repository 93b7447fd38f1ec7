/* tables.h - for tests of cdb/: a directory of tables, and building it
 *
 * Each test program works in a directory of its own and removes it.
 */
#ifndef QUAIL_TESTS_TABLES_H
#define QUAIL_TESTS_TABLES_H

#include "cdb/build.h"
#include "cdb/rows.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* 64 digits */
#define TABLES_PIN                                                             \
	"sha256:"                                                              \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"       \
	"ef"

static char tables_dir[] = "/tmp/quail-tables-XXXXXX";

UNUSED static void
write_file(const char *name, const void *bytes, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0) {
		perror(name);
		exit(1);
	}
}

UNUSED static void
table(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

UNUSED static void
no_tables(void)
{
	size_t i;

	for (i = 0; rows_table(i); i++)
		unlink(rows_table(i));
}

/* Build, and compare all that is said. */
UNUSED static void
says(const char *what, enum build_result result, const char *warnings,
     const char *errors)
{
	struct report r;
	enum build_result got;

	report_init(&r);
	got = config_build(".", &r);
	ok(got == result, "%s: the result", what);
	ok(slice_eq(buf_slice(&r.warnings.text), slice_text(warnings)),
	   "%s: warnings", what);
	if (!slice_eq(buf_slice(&r.warnings.text), slice_text(warnings)))
		fprintf(stderr, "# said: %.*s", (int)r.warnings.text.len,
			buf_slice(&r.warnings.text).at);
	ok(slice_eq(buf_slice(&r.errors.text), slice_text(errors)),
	   "%s: errors", what);
	if (!slice_eq(buf_slice(&r.errors.text), slice_text(errors)))
		fprintf(stderr, "# said: %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
	report_free(&r);
}

UNUSED static void
good_tables(void)
{
	no_tables();
	table("me", "# this host\n\n  Hub.Example  # its name\n");
	table("listen", "qmqp 127.0.0.1:628\nqmtp 127.0.0.1:209\n"
			"qmqp [::1]:6280\r\nsmtp 0.0.0.0:25\n"
			"qmqp 127.0.0.2:628");
	table("access",
	      "127.0.0.0/8 relay\n127.1.0.0/16 none\n"
	      "192.0.2.7 relay\n2001:db8::/32 relay\n"
	      "2001:db8:1::/48\tnone\n::ffff:203.0.113.0/120 relay\n");
	table("locals", "here.example\nHub.example\nlists.example\n");
	table("users", "alice@here.example maildir:mail/alice\n"
		       "*@here.example maildir:mail/%u\n"
		       "Postmaster@hub.example maildir:/var/mail/root/\n"
		       "*@lists.example maildir:lists/%d/%u.%u\n");
	table("routes", "bob@far.example hold\n"
			"far.example qmtp:B.example:209  smtp:mx\n"
			".far.example qmtp:[2001:db8::9]:209\n"
			".deep.far.example discard\n"
			"null.example discard\n"
			"* smtp:192.0.2.25:25\n");
	table("rcpthosts", "far.example\n.Edge.example\n");
	table("qmqpservers", "a.example\nb.example:6280\n[2001:db8::1]\n"
			     "2001:db8::2\n[2001:db8::3]:700\n192.0.2.1\n"
			     "qmqps:C.example\n"
			     "qmqps:2001:db8::4/" TABLES_PIN "\n"
			     "order=spread timeout=2m\n"
			     "lifetime=36h spool=3k\n");
}

UNUSED static void
read_all(const char *name, struct buf *to)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	buf_clear(to);
	while (fd >= 0 && (n = read(fd, buf_room(to, 65536), 65536)) > 0)
		buf_added(to, (size_t)n);
	close(fd);
}

UNUSED static void
tables_begin(void)
{
	if (!mkdtemp(tables_dir) || chdir(tables_dir) != 0) {
		perror(tables_dir);
		exit(1);
	}
}

UNUSED static void
tables_end(void)
{
	no_tables();
	unlink("config.cdb");
	unlink(BUILD_PREVIOUS);
	if (chdir("/") != 0 || rmdir(tables_dir) != 0)
		perror(tables_dir);
}

#endif
