#include "cdb/build.h"

#include "cdb/rows.h"
#include "cdb/tables.h"
#include "lib/fs.h"
#include "lib/home.h"
#include "lib/tls_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

struct build {
	int dir;
	const char *path; /* the same */
	bool failed;	  /* a system call did */
	bool is_full;	  /* ... when all was right and to be written */
	struct report *report;
	struct rows rows;
	struct tables tables;
};

static void
failed(struct build *b, const char *object, int e)
{
	b->failed = true;
	report_line(&b->report->errors, object, 0, 0, strerror(e), NULL);
}

/* Why a file in the directory could not be written, and who may do that. */
static void
say_unwritten(struct buf *why, int dir, int e)
{
	struct stat st;

	buf_text(why, strerror(e));
	if ((e != EACCES && e != EPERM) || fstat(dir, &st) != 0)
		return;
	buf_text(why, "; only who may write in this directory can do that: "
		      "its owner, uid ");
	buf_number(why, st.st_uid);
	buf_text(why, ", or root");
}

static void
failed_to_write(struct build *b, const char *name, int e)
{
	struct buf why = {0};

	say_unwritten(&why, b->dir, e);
	buf_putc(&why, 0);
	b->failed = true;
	report_line(&b->report->errors, name, 0, 0, why.mem, NULL);
	buf_free(&why);
}

static void
read_tables(struct build *b)
{
	struct buf which = {0};
	const char *kind;
	size_t i;

	for (i = 0; (kind = rows_table(i)); i++) {
		buf_clear(&which);
		if (tables_load(&b->tables, b->dir, kind, &which) != 0) {
			int e = errno;

			buf_putc(&which, 0);
			failed(b, which.mem, e);
		}
	}
	buf_free(&which);
}

static void
each_line(struct build *b, void (*with)(struct rows *, struct slice))
{
	size_t i;

	for (i = 0; i < b->tables.n; i++) {
		const struct table *t = &b->tables.files[i];
		struct table_line line = {0};

		b->rows.table = t->kind;
		b->rows.file = t->name;
		b->rows.file_n = (uint32_t)i;
		while (tables_next(t, &line)) {
			b->rows.line = line.number;
			b->rows.whole = line.whole;
			with(&b->rows, line.words);
		}
	}
	b->rows.line = 0;
}

/* The table me is the one that no node does without. */
static void
want_me(struct build *b)
{
	const char *me = rows_table(0);
	bool exists = false;
	size_t i;

	for (i = 0; i < b->tables.n; i++) {
		const struct table *t = &b->tables.files[i];
		struct table_line line = {0};

		if (strcmp(t->kind, me) != 0)
			continue;
		if (tables_next(t, &line))
			return;
		exists = true;
	}
	report_line(&b->report->errors, me, 0, 0,
		    exists ? "there is no name in it; write this host's full "
			     "name, such as mail.example.org"
			   : "there is no such file; write one line, this "
			     "host's full name, such as mail.example.org",
		    NULL);
}

/* Is it there, but not for us? */
static bool
is_closed(const struct build *b, const char *name)
{
	return faccessat(b->dir, name, R_OK, AT_EACCESS) != 0 &&
	       errno == EACCES;
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
		report_line(&b->report->errors, "tls", 0, 0,
			    is_closed(b, TLS_KEY_FILE)
				? "$ (as root: quail build DIR; it reads the "
				  "key and gives it to the daemons. A new key "
				  "would have another pin)"
				: "$ (quail key -o DIR/tls makes a new key)",
			    &(struct slice){buf_slice(&why).at, why.len});
	tls_key_close(opened);
	buf_free(&cert);
	buf_free(&key);
	buf_free(&why);
}

static void
compile(struct build *b, const char *name)
{
	b->rows.report = b->report;
	b->rows.files = &b->tables;
	b->rows.dir = b->dir;
	b->rows.out = map_make(b->dir, name);
	if (!b->rows.out) {
		failed_to_write(b, name, errno);
		return;
	}
	want_me(b);
	each_line(b, rows_take);
	check_key(b);
	each_line(b, rows_check);
	rows_settle(&b->rows);
	if (b->report->errors.n == 0)
		each_line(b, rows_weigh);
	rows_end(&b->rows);
	if (b->rows.error)
		failed(b, name, b->rows.error);
	rows_free(&b->rows);
	tables_free(&b->tables);
}

/* What is in place stays within reach of quail rollback, unless the new one
 * says just the same. */
static int
keep_previous(int dir)
{
	if (fs_unlink(dir, BUILD_PREVIOUS ".tmp") != 0 && errno != ENOENT)
		return -1;
	if (fs_link(dir, HOME_CONFIG, dir, BUILD_PREVIOUS ".tmp") != 0)
		return errno == ENOENT ? 0 : -1;
	return fs_rename(dir, BUILD_PREVIOUS ".tmp", dir, BUILD_PREVIOUS);
}

static void
finish(struct build *b, const char *name)
{
	bool in_place = strcmp(name, HOME_CONFIG) == 0;

	if (!b->rows.out)
		return;
	if (b->report->errors.n > 0) {
		map_abort(b->rows.out);
	} else if (map_finish(b->rows.out, in_place ? keep_previous : NULL) !=
		   0) {
		b->is_full = errno == ENOSPC || errno == EDQUOT;
		failed_to_write(b, name, errno);
	}
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
config_build_as(const char *dir, const char *name, struct report *report)
{
	struct build b = {
	    .report = report, .path = dir, .dir = open_locked(dir)};

	if (b.dir < 0) {
		failed(&b, dir, errno);
		return BUILD_FAILED;
	}
	read_tables(&b);
	if (!b.failed) {
		compile(&b, name);
		finish(&b, name);
	}
	tables_free(&b.tables);
	close(b.dir);
	if (b.failed)
		return b.is_full ? BUILD_NO_ROOM : BUILD_FAILED;
	return report->errors.n > 0 ? BUILD_WRONG : BUILD_DONE;
}

enum build_result
config_build(const char *dir, struct report *report)
{
	return config_build_as(dir, HOME_CONFIG, report);
}

/* Changing back and forth: each call makes the other one the previous. */
static int
exchange(int dir, struct buf *why)
{
	if (renameat2(dir, BUILD_PREVIOUS, dir, HOME_CONFIG, RENAME_EXCHANGE) ==
		0 &&
	    fchmodat(dir, HOME_CONFIG, 0644, 0) == 0 && fs_sync(dir) == 0)
		return 0;
	buf_text(why, HOME_CONFIG ": ");
	say_unwritten(why, dir, errno);
	return -1;
}

/* Is the previous one there, and whole? */
static int
check_previous(const char *path, struct buf *why)
{
	struct map *map = NULL;
	struct buf name = {0};
	struct stat st;
	int r;

	buf_text(&name, path);
	buf_put(&name, "/" BUILD_PREVIOUS, sizeof "/" BUILD_PREVIOUS);
	r = map_open(&map, name.mem, &st, why);
	if (r == 0)
		map_close(map);
	else
		buf_text(why, ": nothing to go back to; the last build but one "
			      "is kept as " BUILD_PREVIOUS);
	buf_free(&name);
	return r;
}

int
config_rollback(const char *path, struct buf *why)
{
	int dir = open_locked(path), r;

	if (dir < 0) {
		buf_text(why, path);
		buf_text(why, ": ");
		buf_text(why, strerror(errno));
		return -1;
	}
	r = check_previous(path, why);
	if (r == 0)
		r = exchange(dir, why);
	close(dir);
	return r;
}

static bool
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

static bool
file_newer(int dir, const char *name, const struct stat *made)
{
	struct stat edited;

	return fstatat(dir, name, &edited, 0) == 0 &&
	       later(&edited.st_mtim, &made->st_mtim);
}

/* A folder's own time is that of files coming and going. */
static bool
is_newer(int dir, const char *table, const struct stat *made)
{
	struct buf folder = {0}, names = {0};
	bool newer = file_newer(dir, table, made);
	int fd;
	size_t at;

	buf_text(&folder, table);
	buf_put(&folder, ".d", 3);
	fd = newer
		 ? -1
		 : openat(dir, folder.mem, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		newer = file_newer(fd, ".", made);
		if (fs_list(fd, &names) == 0)
			for (at = 0; at < names.len && !newer;
			     at += strlen(names.mem + names.off + at) + 1)
				if (!tables_passed(names.mem + names.off + at))
					newer = file_newer(
					    fd, names.mem + names.off + at,
					    made);
		close(fd);
	}
	buf_free(&folder);
	buf_free(&names);
	return newer;
}

const char *
config_newer_table(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *newer = NULL;
	struct stat made;
	size_t i;

	if (fd < 0)
		return NULL;
	if (fstatat(fd, HOME_CONFIG, &made, 0) == 0)
		for (i = 0; rows_table(i) && !newer; i++)
			if (is_newer(fd, rows_table(i), &made))
				newer = rows_table(i);
	close(fd);
	return newer;
}
