#include "queue/explain.h"

#include "cdb/build.h"
#include "cdb/config.h"
#include "lib/address.h"
#include "lib/home.h"
#include "queue/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char usage[] = "usage: quail explain [-d DIR] ADDRESS...\n";

/* What is not printable could be meant for the terminal. */
static void
say_slice(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		putchar(s.at[i] >= ' ' && s.at[i] <= '~' ? s.at[i] : '?');
}

static void
say(const char *what, struct slice value)
{
	printf("%-10s", what);
	say_slice(value);
	putchar('\n');
}

static void
say_text(const char *what, const char *value)
{
	say(what, slice_text(value));
}

static void
say_decision(const struct config_route *r)
{
	struct slice rest = r->nexthops, hop;

	switch (r->decision) {
	case CONFIG_NEXTHOPS:
		while ((hop = slice_word(&rest)).len > 0)
			say("next hop", hop);
		return;
	case CONFIG_HOLD:
		say_text("decision", "hold: queue it, do not try");
		return;
	case CONFIG_DISCARD:
		say_text("decision", "discard: accept it and throw it away");
		return;
	case CONFIG_REJECT: say("decision", r->text); return;
	case CONFIG_NOBODY:
		say_text("decision", "reject: no mailbox here by that name "
				     "(#5.1.1)");
		return;
	case CONFIG_NOROUTE:
		say_text("decision", "wait: no line of routes fits (#4.4.4)");
		return;
	case CONFIG_BADPART: break;
	}
	say_text("decision", "reject: not an address, or its local part "
			     "cannot be a mailbox's name (#5.1.3)");
}

/* The line that decided, and the pattern that stands there. */
static void
say_line(const char *what, struct slice source, struct slice key)
{
	printf("%-10s", what);
	say_slice(source);
	if (key.len > 0) {
		printf(" (");
		say_slice(key);
		putchar(')');
	}
	putchar('\n');
}

static void
say_stranger(const struct config *c, struct slice address)
{
	struct slice local, domain, source;
	const char *why;
	char code = config_accepts(c, 0, address, &why);

	if (!address_split(address, &local, &domain))
		domain = config_me(c);
	printf("%-10s", "stranger");
	if (code != 'K') {
		printf("is told by SMTP: %s\n", why);
		return;
	}
	printf("may send here by SMTP, says ");
	if (config_local_line(c, domain, &source) ||
	    config_rcpthost_line(c, domain, &source))
		say_slice(source);
	putchar('\n');
}

/* What this host's own sendmail would write instead, as a leaf. */
static void
say_rewrites(const struct config *c, struct slice address)
{
	static const char *const whats[] = {"rcpt", "sender", "from"};
	struct buf out = {0};
	struct slice source;
	size_t i;

	for (i = 0; i < sizeof whats / sizeof *whats; i++) {
		buf_clear(&out);
		if (!config_rewrite(c, whats[i], address, &out, &source))
			continue;
		printf("%-10sas %s: ", "rewritten", whats[i]);
		say_slice(buf_slice(&out));
		printf(", says ");
		say_slice(source);
		putchar('\n');
	}
	buf_free(&out);
}

static void
explain(const struct config *c, struct slice address)
{
	struct config_route r;
	struct buf room = {0};

	config_route(c, address, &room, &r);
	say("address", address);
	say_decision(&r);
	if (r.source.len > 0)
		say_line("line", r.source, r.key);
	say_stranger(c, address);
	say_rewrites(c, address);
	buf_free(&room);
}

static int
explain_all(char **addresses)
{
	const char *newer = config_newer_table(".");
	struct buf why = {0};
	struct config c;

	if (config_open(&c, HOME_CONFIG, &why) != 0) {
		fprintf(stderr, "quail: %.*s\n", (int)why.len,
			buf_slice(&why).at);
		buf_free(&why);
		return COMMAND_WRONG;
	}
	if (newer)
		fprintf(stderr,
			"quail: the table %s has been edited since the last "
			"build; this is what the node goes by until then\n",
			newer);
	for (; *addresses; addresses++) {
		explain(&c, slice_text(*addresses));
		if (addresses[1])
			putchar('\n');
	}
	config_close(&c);
	return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_LATER;
}

int
explain_command(int argc, char **argv)
{
	const char *dir = getenv("QUAIL_DIR");
	int option;

	if (!dir || !*dir)
		dir = "/etc/quail";
	while ((option = getopt(argc, argv, "+d:")) != -1) {
		if (option != 'd') {
			fputs(usage, stderr);
			return COMMAND_WRONG;
		}
		dir = optarg;
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return COMMAND_WRONG;
	}
	if (chdir(dir) != 0) {
		perror(dir);
		return COMMAND_WRONG;
	}
	return explain_all(argv + optind);
}
