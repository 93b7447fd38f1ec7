#include "queue/queue_cmd_args.h"

#include "lib/netstring.h"
#include "queue/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	OPT_JSON = 256,
	OPT_TO,
	OPT_FROM,
	OPT_DEST,
	OPT_HELD,
	OPT_OLDER,
	OPT_ALL,
	OPT_YES
};

static const struct option options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"to", required_argument, NULL, OPT_TO},
    {"from", required_argument, NULL, OPT_FROM},
    {"dest", required_argument, NULL, OPT_DEST},
    {"held", no_argument, NULL, OPT_HELD},
    {"older", required_argument, NULL, OPT_OLDER},
    {"all", no_argument, NULL, OPT_ALL},
    {"yes", no_argument, NULL, OPT_YES},
    {NULL, 0, NULL, 0},
};

int
args_usage(void)
{
	fputs("usage: quail queue [-d DIR] list [--json] [SELECTION] [ID...]\n"
	      "       quail queue [-d DIR] show [--json] ID...\n"
	      "       quail queue [-d DIR] cat ID\n"
	      "       quail queue [-d DIR] export TO [SELECTION] [ID...]\n"
	      "       quail queue [-d DIR] hold|release|retry|remove|bounce "
	      "[--yes]\n"
	      "                            --all | SELECTION | ID...\n"
	      "       quail queue [-d DIR] destinations|holds|stats [--json]\n"
	      "SELECTION: --to PATTERN, --from PATTERN, --dest PATTERN, "
	      "--held,\n"
	      "           --older AGE (30m, 12h, 3d)\n",
	      stderr);
	return COMMAND_WRONG;
}

static int
wrong(const char *what, const char *which)
{
	fprintf(stderr, "quail: %s: %s\n", which, what);
	return COMMAND_WRONG;
}

static void
put_word(struct args *a, const char *key, struct slice value)
{
	struct buf word = {0};

	buf_text(&word, key);
	buf_putc(&word, '=');
	buf_puts(&word, value);
	netstring_put(&a->selection, buf_slice(&word));
	buf_free(&word);
}

static int
put_pattern(struct args *a, const char *key, const char *value)
{
	if (!*value)
		value = "<>";
	put_word(a, key, slice_text(value));
	a->has_pattern = true;
	return COMMAND_DONE;
}

/* 90, 90s, 30m, 12h, 3d, 2w */
static int
put_older(struct args *a, const char *text)
{
	static const char units[] = "smhdw";
	static const uint32_t seconds[] = {1, 60, 3600, 86400, 7 * 86400};
	struct slice s = slice_text(text);
	const char *unit = NULL;
	struct buf value = {0};
	uint64_t n, factor = 1;

	if (s.len > 0)
		unit = strchr(units, s.at[s.len - 1]);
	if (unit) {
		factor = seconds[unit - units];
		s.len--;
	}
	if (slice_number(s, UINT32_MAX / factor, &n) != 0)
		return wrong("not an age; write a number and s, m, h, d or "
			     "w, such as 30m",
			     text);
	if (n == 0)
		return wrong("an age must be at least 1s; without --older, "
			     "messages of any age are meant",
			     text);
	buf_number(&value, n * factor);
	put_word(a, "older", buf_slice(&value));
	buf_free(&value);
	a->has_pattern = true;
	return COMMAND_DONE;
}

static int
put_id(struct args *a, const char *text)
{
	struct slice s = slice_text(text);
	uint64_t id;

	/* or SEGMENT-OFFSET, of what was set aside */
	if ((s.len != 16 || slice_hex(s, &id) != 0) &&
	    (s.len != 17 || s.at[8] != '-'))
		return wrong("not an id, which has 16 digits: 0 to 9 and a to "
			     "f",
			     text);
	put_word(a, "id", s);
	a->n_ids++;
	return COMMAND_DONE;
}

static int
take_option(struct args *a, int option)
{
	switch (option) {
	case 'd': a->dir = optarg; return COMMAND_DONE;
	case OPT_JSON: a->is_json = true; return COMMAND_DONE;
	case OPT_ALL: a->is_all = true; return COMMAND_DONE;
	case OPT_YES: a->is_yes = true; return COMMAND_DONE;
	case OPT_TO: return put_pattern(a, "to", optarg);
	case OPT_FROM: return put_pattern(a, "from", optarg);
	case OPT_DEST: return put_pattern(a, "dest", optarg);
	case OPT_OLDER: return put_older(a, optarg);
	case OPT_HELD:
		put_word(a, "held", SLICE("1"));
		a->has_pattern = true;
		return COMMAND_DONE;
	default: return args_usage();
	}
}

int
args_parse(struct args *a, int argc, char **argv)
{
	int option, r = COMMAND_DONE;

	a->dir = getenv("QUAIL_DIR");
	if (!a->dir || !*a->dir)
		a->dir = "/etc/quail";
	while (r == COMMAND_DONE &&
	       (option = getopt_long(argc, argv, "d:", options, NULL)) != -1)
		r = take_option(a, option);
	if (r != COMMAND_DONE)
		return r;
	if (optind == argc)
		return args_usage();
	a->verb = argv[optind++];
	if (strcmp(a->verb, "export") == 0) {
		if (optind == argc)
			return args_usage();
		a->export_to = argv[optind++];
	}
	for (; r == COMMAND_DONE && optind < argc; optind++)
		r = put_id(a, argv[optind]);
	if (a->is_all)
		put_word(a, "all", SLICE("1"));
	return r;
}
