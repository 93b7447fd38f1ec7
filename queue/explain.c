#include "queue/explain.h"

#include "lib/address.h"
#include "lib/home.h"
#include "queue/command.h"
#include "queue/compile.h"
#include "queue/enter.h"
#include "queue/explain_facts.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] =
    "usage: quail explain [-d DIR] [--from SENDER] [--client NAME|IP] "
    "[--json] ADDRESS...\n";

/* A name with an address is what a header has, not an envelope. */
static bool
is_address(const char *word)
{
	struct slice s = slice_text(word);
	const char *fault = s.len > 0 && s.at[s.len - 1] == '>'
				? "leave out the name and the < and >"
				: address_why(s);

	if (fault)
		fprintf(stderr, "quail: %s: this is not an address: %s\n", word,
			fault);
	return !fault;
}

static int
explain_all(struct explain *e, char **addresses)
{
	struct buf why = {0};
	struct config c;
	int r = COMMAND_DONE;

	if (config_open(&c, HOME_CONFIG, &why) != 0) {
		fprintf(stderr, "quail: %.*s\n", (int)why.len,
			buf_slice(&why).at);
		buf_free(&why);
		return COMMAND_WRONG;
	}
	compile_say_newer();
	e->config = &c;
	for (; *addresses; addresses++) {
		if (!is_address(*addresses)) {
			r = COMMAND_WRONG;
			continue;
		}
		explain_facts(e, slice_text(*addresses));
		if (addresses[1] && !e->json)
			putchar('\n');
	}
	config_close(&c);
	return fflush(stdout) == 0 ? r : COMMAND_LATER;
}

static int
complain(void)
{
	fputs(usage, stderr);
	return COMMAND_WRONG;
}

int
explain_command(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"client", required_argument, NULL, 'c'},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	const char *dir = getenv("QUAIL_DIR");
	struct explain e = {0};
	int option;

	if (!dir || !*dir)
		dir = "/etc/quail";
	while ((option = getopt_long(argc, argv, "+d:", longs, NULL)) != -1)
		switch (option) {
		case 'd': dir = optarg; break;
		case 'j': e.json = true; break;
		case 'f':
			e.has_sender = true;
			e.sender =
			    slice_text(strcmp(optarg, "<>") == 0 ? "" : optarg);
			break;
		case 'c':
			e.has_client = true;
			e.client = slice_text(optarg);
			break;
		default: return complain();
		}
	if (optind == argc)
		return complain();
	if (enter_node(dir) != COMMAND_DONE)
		return COMMAND_WRONG;
	return explain_all(&e, argv + optind);
}
