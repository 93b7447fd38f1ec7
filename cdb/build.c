#include "cdb/build.h"

#include "cdb/rows.h"
#include "cdb/tables.h"
#include "lib/fs.h"
#include "lib/home.h"
#include "lib/tls_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

enum { TABLES_MAX = 16 };

struct build {
	int dir;
	const char *path; /* the same */
	bool failed;	  /* a system call did */
	struct report *report;
	struct rows rows;
	size_t n_tables;
	struct table tables[TABLES_MAX];
};

static void
failed(struct build *b, const char *object, int e)
{
	b->failed = true;
	report_line(&b->report->errors, object, 0, strerror(e), NULL);
}

static void
read_tables(struct build *b)
{
	for (; rows_tables[b->n_tables]; b->n_tables++) {
		const char *name = rows_tables[b->n_tables];

		if (tables_read(&b->tables[b->n_tables], b->dir, name) != 0)
			failed(b, name, errno);
	}
}

static void
each_line(struct build *b, void (*with)(struct rows *, struct slice))
{
	size_t i;

	for (i = 0; i < b->n_tables; i++) {
		struct table_line line = {0};

		b->rows.table = b->tables[i].name;
		while (tables_next(&b->tables[i], &line)) {
			b->rows.line = line.number;
			with(&b->rows, line.words);
		}
	}
}

/* The table me is the one that no node does without. */
static void
want_me(struct build *b)
{
	struct table_line line = {0};

	if (!tables_next(&b->tables[0], &line))
		report_line(&b->report->errors, rows_tables[0], 0,
			    b->tables[0].exists
				? "there is no name in it; write this host's "
				  "full name, such as mail.example.org"
				: "there is no such file; write one line, this "
				  "host's full name, such as mail.example.org",
			    NULL);
}

/* What listens with TLS must have a key; what speaks it may have one. */
static void
check_key(struct build *b)
{
	struct buf cert = {0}, key = {0}, why = {0};
	struct tls_key *opened = NULL;

	if (!b->rows.tls_server &&
	    (!b->rows.tls_client ||
	     faccessat(b->dir, TLS_CERT_FILE, F_OK, 0) != 0))
		return;
	buf_text(&cert, b->path);
	buf_text(&cert, "/" TLS_CERT_FILE);
	buf_putc(&cert, 0);
	buf_text(&key, b->path);
	buf_text(&key, "/" TLS_KEY_FILE);
	buf_putc(&key, 0);
	opened = tls_key_open(cert.mem, key.mem, &why);
	if (!opened)
		report_line(&b->report->errors, "tls", 0,
			    "$ (quail key -o DIR/tls makes a new key)",
			    &(struct slice){buf_slice(&why).at, why.len});
	tls_key_close(opened);
	buf_free(&cert);
	buf_free(&key);
	buf_free(&why);
}

static void
compile(struct build *b)
{
	b->rows.report = b->report;
	b->rows.out = map_make(b->dir, HOME_CONFIG);
	if (!b->rows.out) {
		failed(b, HOME_CONFIG, errno);
		return;
	}
	want_me(b);
	each_line(b, rows_take);
	check_key(b);
	if (b->report->errors.n == 0)
		each_line(b, rows_weigh);
	rows_end(&b->rows);
	if (b->rows.error)
		failed(b, HOME_CONFIG, b->rows.error);
	if (b->report->errors.n > 0)
		map_abort(b->rows.out);
	else if (map_finish(b->rows.out) != 0)
		failed(b, HOME_CONFIG, errno);
	rows_free(&b->rows);
}

static int
open_locked(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;
	while (flock(dir, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		close(dir);
		return -1;
	}
	return dir;
}

enum build_result
config_build(const char *dir, struct report *report)
{
	struct build b = {
	    .report = report, .path = dir, .dir = open_locked(dir)};
	size_t i;

	if (b.dir < 0) {
		failed(&b, dir, errno);
		return BUILD_FAILED;
	}
	read_tables(&b);
	if (!b.failed)
		compile(&b);
	for (i = 0; i < b.n_tables; i++)
		tables_free(&b.tables[i]);
	close(b.dir);
	if (b.failed)
		return BUILD_FAILED;
	return report->errors.n > 0 ? BUILD_WRONG : BUILD_DONE;
}

static bool
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

const char *
config_newer_table(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *newer = NULL;
	struct stat made, edited;
	size_t i;

	if (fd < 0)
		return NULL;
	if (fstatat(fd, HOME_CONFIG, &made, 0) == 0)
		for (i = 0; rows_tables[i] && !newer; i++)
			if (fstatat(fd, rows_tables[i], &edited, 0) == 0 &&
			    later(&edited.st_mtim, &made.st_mtim))
				newer = rows_tables[i];
	close(fd);
	return newer;
}
