/* tables_memory.h - text tables compiled into a map in memory
 *
 * For the harnesses that ask tables: it stands for cdb/map.c, so it is
 * included once in a program. A line "== NAME" begins the table NAME.
 */
#ifndef QUAIL_TESTS_FUZZ_TABLES_MEMORY_H
#define QUAIL_TESTS_FUZZ_TABLES_MEMORY_H

#include "cdb/config.h"
#include "cdb/rows.h"
#include "cdb/tables.h"
#include "tests/fuzz/fuzz.h"

/* the map */

enum { RECORDS_MAX = 512 };

struct map {
	size_t n;
	struct {
		size_t at, key, value;
	} records[RECORDS_MAX];
	struct buf bytes;
};

struct map_writer {
	struct map map;
};

static struct map_writer writer;

int
map_add(struct map_writer *w, struct slice key, struct slice value)
{
	struct map *m = &w->map;

	fuzz_check(m->n < RECORDS_MAX);
	m->records[m->n].at = m->bytes.len;
	m->records[m->n].key = key.len;
	m->records[m->n++].value = value.len;
	buf_puts(&m->bytes, key);
	buf_puts(&m->bytes, value);
	return 0;
}

bool
map_find(struct map *m, struct slice key, unsigned n, struct map_record *r)
{
	struct slice all = buf_slice(&m->bytes);
	size_t i;

	for (i = 0; i < m->n; i++) {
		struct slice at = slice_from(all, m->records[i].at);

		r->key = slice_of(at.at, m->records[i].key);
		r->value = slice_of(at.at + r->key.len, m->records[i].value);
		if (slice_eq(r->key, key) && n-- == 0)
			return true;
	}
	return false;
}

struct slice
map_digest(const struct map *m)
{
	(void)m;
	return SLICE("00000000000000000000000000000000");
}

int
map_open(struct map **r, const char *path, struct stat *st, struct buf *why)
{
	(void)path, (void)why;
	*st = (struct stat){0};
	*r = &writer.map;
	return 0;
}

bool
map_each(struct map *m, uint32_t *at, struct map_record *r)
{
	(void)m, (void)at, (void)r;
	return false;
}

void
map_close(struct map *m)
{
	(void)m;
}

/* compiling */

static const char *
table_named(struct slice name)
{
	const char *kind;
	size_t i;

	for (i = 0; (kind = rows_table(i)); i++)
		if (slice_eq(name, slice_text(kind)))
			return kind;
	return NULL;
}

/* The next line, with its LF. */
static struct slice
line_of(struct slice *in)
{
	return fuzz_take(in, slice_find(*in, '\n') + 1);
}

enum { FILES_MAX = 64 };

static struct table files[FILES_MAX];

/* The input's tables, as tables_load would give them. */
static void
read_tables(struct slice in, struct tables *t)
{
	struct table *now = NULL;

	*t = (struct tables){.files = files};
	while (in.len > 0) {
		struct slice line = line_of(&in);
		const char *kind = NULL;

		if (slice_starts(line, SLICE("== ")))
			kind = table_named(slice_trim(slice_from(line, 3)));
		if (kind && t->n < FILES_MAX) {
			now = &files[t->n++];
			now->kind = kind;
			now->name = (char *)(uintptr_t)kind;
			buf_clear(&now->text);
		} else if (now) {
			buf_puts(&now->text, line);
		}
	}
}

static void
each_line(struct rows *r, void (*with)(struct rows *, struct slice))
{
	size_t i;

	for (i = 0; i < r->files->n; i++) {
		struct table_line line = {0};

		r->table = files[i].kind;
		r->file = files[i].name;
		r->file_n = (uint32_t)i;
		while (tables_next(&files[i], &line)) {
			fuzz_check(line.words.len > 0);
			r->line = line.number;
			r->whole = line.whole;
			with(r, line.words);
		}
	}
	r->line = 0;
}

/* One line each, and nothing in it that a terminal would act on. */
static void
check_report(const struct report_lines *lines)
{
	struct slice s = buf_slice(&lines->text);
	size_t i, n = 0;

	for (i = 0; i < s.len; i++) {
		fuzz_check(s.at[i] == '\n' ||
			   (s.at[i] >= ' ' && s.at[i] <= '~'));
		n += s.at[i] == '\n';
	}
	fuzz_check(n == (lines->n < REPORT_MAX ? lines->n : n));
}

static bool
compile(struct slice in)
{
	struct tables all;
	struct report report;
	struct rows r = {
	    .out = &writer, .report = &report, .files = &all, .dir = -1};
	bool good;

	writer.map.n = 0;
	buf_clear(&writer.map.bytes);
	report_init(&report);
	read_tables(in, &all);
	each_line(&r, rows_take);
	each_line(&r, rows_check);
	good = report.errors.n == 0;
	if (good)
		each_line(&r, rows_weigh);
	rows_end(&r);
	check_report(&report.errors);
	check_report(&report.warnings);
	rows_free(&r);
	report_free(&report);
	return good;
}

#endif
