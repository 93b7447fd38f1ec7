#include "queue/compile.h"

#include "cdb/build.h"
#include "cdb/config.h"
#include "lib/home.h"
#include "lib/log.h"
#include "queue/command.h"
#include "queue/diff_cmd.h"
#include "queue/idle.h"
#include "queue/key_group.h"

#include <stdio.h>
#include <string.h>

static void
tell(const struct report_lines *lines)
{
	struct buf more = {0};

	log_lines(buf_slice(&lines->text));
	if (lines->n > REPORT_MAX) {
		buf_text(&more, "... and ");
		buf_number(&more, lines->n - REPORT_MAX);
		buf_text(&more, " more\n");
		log_lines(buf_slice(&more));
		buf_free(&more);
	}
	log_flush();
}

static enum build_result
build(const char *dir, const char *name)
{
	struct report report;
	enum build_result result;

	report_init(&report);
	result = config_build_as(dir, name, &report);
	tell(&report.warnings);
	tell(&report.errors);
	report_free(&report);
	return result;
}

static int
exit_code(enum build_result result)
{
	switch (result) {
	case BUILD_DONE: return COMMAND_DONE;
	case BUILD_WRONG: return COMMAND_WRONG;
	case BUILD_FAILED:
	case BUILD_NO_ROOM: break;
	}
	return COMMAND_LATER;
}

int
compile_tables_as(const char *dir, const char *name)
{
	return exit_code(build(dir, name));
}

int
compile_tables(const char *dir)
{
	int r = compile_tables_as(dir, HOME_CONFIG);

	if (r == COMMAND_DONE) {
		idle_tell(dir);
		key_group_check(dir);
	}
	return r;
}

void
compile_say_newer(void)
{
	const char *newer = config_newer_table(".");

	if (newer)
		fprintf(stderr,
			"quail: the table %s has been edited since the last "
			"build; this is what the node goes by until then\n",
			newer);
}

/* Is there one that was made whole? It is said which. */
static bool
has_another(void)
{
	struct config c = {0};
	struct buf why = {0};

	if (config_open(&c, HOME_CONFIG, &why) != 0) {
		buf_free(&why);
		return false;
	}
	log_open("tables-unwritten");
	log_bytes("digest", config_digest(&c));
	log_text("what",
		 "the disk is full, so the edited tables are not in use: the "
		 "config.cdb that was there is; make room, then quail build, "
		 "or HUP to quail run");
	log_close();
	config_close(&c);
	return true;
}

int
compile_or_keep(void)
{
	enum build_result result = build(".", HOME_CONFIG);

	if (result == BUILD_NO_ROOM && has_another())
		result = BUILD_DONE;
	if (result == BUILD_DONE) {
		idle_tell(".");
		key_group_check(".");
	}
	return exit_code(result);
}

int
compile_command(int argc, char **argv)
{
	bool diff = argc > 1 && strcmp(argv[1], "--diff") == 0;
	int first = diff ? 2 : 1, n = argc - first;

	if (n < 1 || n > 1 + diff || argv[first][0] == '-') {
		fprintf(stderr, "usage: quail build DIR\n"
				"       quail build --diff [SAMPLE] DIR\n");
		return COMMAND_WRONG;
	}
	if (!diff)
		return compile_tables(argv[1]);
	return diff_tables(argv[argc - 1], n == 2 ? argv[first] : NULL);
}

int
rollback_command(int argc, char **argv)
{
	struct buf why = {0};
	int r;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: quail rollback DIR\n");
		return COMMAND_WRONG;
	}
	r = config_rollback(argv[1], &why);
	if (r != 0)
		fprintf(stderr, "quail: %.*s\n", (int)why.len,
			buf_slice(&why).at);
	else
		fprintf(stderr, "quail: the configuration before the last "
				"build is in place again; the tables are as "
				"they were, so correct them before the next "
				"build\n");
	buf_free(&why);
	return r == 0 ? COMMAND_DONE : COMMAND_WRONG;
}
