#include "queue/compile.h"

#include "cdb/build.h"
#include "queue/command.h"

#include <stdio.h>

static void
tell(const struct report_lines *lines)
{
	struct slice text = buf_slice(&lines->text);

	fwrite(text.at, 1, text.len, stderr);
	if (lines->n > REPORT_MAX)
		fprintf(stderr, "... and %u more\n", lines->n - REPORT_MAX);
}

int
compile_tables(const char *dir)
{
	struct report report;
	enum build_result result;

	report_init(&report);
	result = config_build(dir, &report);
	tell(&report.warnings);
	tell(&report.errors);
	report_free(&report);
	switch (result) {
	case BUILD_DONE: return COMMAND_DONE;
	case BUILD_WRONG: return COMMAND_WRONG;
	case BUILD_FAILED: break;
	}
	return COMMAND_LATER;
}

int
compile_command(int argc, char **argv)
{
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: quail build DIR\n");
		return COMMAND_WRONG;
	}
	return compile_tables(argv[1]);
}
