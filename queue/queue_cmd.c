#include "queue/queue_cmd.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/netstring.h"
#include "queue/command.h"
#include "queue/enter.h"
#include "queue/entry.h"
#include "queue/queue_cmd_args.h"
#include "queue/queue_cmd_export.h"
#include "queue/queue_cmd_say.h"
#include "queue/queue_cmd_talk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READS = 1, SAYS_ALL = 2, CHANGES = 4, ASKS = 8 };

static const struct verb {
	const char *name;
	unsigned is;
	const char *done; /* "held 3 messages" */
} verbs[] = {
    {"list", READS, NULL},
    {"show", READS, NULL},
    {"cat", READS, NULL},
    {"export", READS, NULL},
    {"destinations", SAYS_ALL, NULL},
    {"holds", SAYS_ALL, NULL},
    {"stats", SAYS_ALL, NULL},
    {"hold", CHANGES, "held"},
    {"release", CHANGES, "released"},
    {"retry", CHANGES, "trying again"},
    {"remove", CHANGES | ASKS, "removed"},
    {"bounce", CHANGES | ASKS, "returned"},
};

static const struct verb *
find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int
ask(struct talk *t, const char *verb, struct slice selection)
{
	struct buf payload = {0};
	int r;

	netstring_put(&payload, slice_text(verb));
	buf_puts(&payload, selection);
	r = talk_ask(t, buf_slice(&payload));
	buf_free(&payload);
	return r;
}

/* the end of an answer */

static uint64_t
count_of(struct slice fields, const char *key)
{
	struct slice value;
	uint64_t n = 0;

	if (entry_attr(fields, key, &value))
		(void)slice_number(value, INT64_MAX, &n);
	return n;
}

static void
complain(struct slice what)
{
	fputs("quail: ", stderr);
	say_to(stderr, what);
	fputc('\n', stderr);
}

/* K, Z, D, or 0 for an answer that broke off. */
static int
exit_code(char end, struct slice body)
{
	if (end == 'D' || end == 'Z')
		complain(body);
	if (end == 'D')
		return COMMAND_WRONG;
	if (end != 'K')
		return COMMAND_LATER;
	if (count_of(body, "loading"))
		complain(SLICE("the queue is still being loaded; this is not "
			       "all of it"));
	return count_of(body, "missing") ? COMMAND_WRONG : COMMAND_DONE;
}

static bool
is_end(char letter)
{
	return letter == 0 || letter == 'K' || letter == 'Z' || letter == 'D';
}

static void
missing(struct slice id)
{
	fputs("quail: ", stderr);
	say_to(stderr, id);
	fputs(" is not in the queue\n", stderr);
}

static void
set_aside(struct slice id)
{
	fputs("quail: ", stderr);
	say_to(stderr, id);
	fputs(" is damaged and was set aside; it can only be listed, shown, "
	      "exported and removed\n",
	      stderr);
}

/* what is done with the items */

static int
print_all(struct talk *t, const struct args *a)
{
	bool are_messages = strcmp(a->verb, "list") == 0;
	struct say say = {.is_json = a->is_json,
			  .is_show = strcmp(a->verb, "show") == 0,
			  .now_s = clock_s()};
	struct slice body = {"", 0};
	char letter;

	while (!is_end(letter = talk_next(t, &body))) {
		if (letter == 'x')
			missing(body);
		else
			say_item(&say, letter, body);
	}
	if (letter == 'K' || say.n > 0)
		say_end(&say, are_messages);
	return exit_code(letter, body);
}

static int
print_text(struct talk *t)
{
	struct slice body = {"", 0};
	char letter;

	while (!is_end(letter = talk_next(t, &body))) {
		if (letter == 'x')
			missing(body);
		else if (letter == 't')
			fwrite(body.at, 1, body.len, stdout);
	}
	return exit_code(letter, body);
}

static int
export_failed(const char *path)
{
	fprintf(stderr, "quail: %s: %s\n", path, strerror(errno));
	return COMMAND_LATER;
}

static int
export_all(struct talk *t, const char *path)
{
	struct slice body = {"", 0};
	struct export e;
	char letter;
	int r = COMMAND_DONE;

	if (export_open(&e, path) != 0)
		return export_failed(path);
	while (r == COMMAND_DONE && !is_end(letter = talk_next(t, &body))) {
		if (letter == 'x')
			missing(body);
		else if (export_item(&e, letter, body) != 0)
			r = export_failed(path);
	}
	if (r == COMMAND_DONE)
		r = exit_code(letter, body);
	if (export_close(&e) != 0 && r == COMMAND_DONE)
		r = export_failed(path);
	printf("exported %llu message%s\n", (unsigned long long)e.n,
	       e.n == 1 ? "" : "s");
	if (e.n_lost > 0)
		printf("%llu left the queue meanwhile\n",
		       (unsigned long long)e.n_lost);
	if (e.n_changed > 0)
		printf("%llu are not what was written: see the files "
		       "*.damaged\n",
		       (unsigned long long)e.n_changed);
	if (e.n_short > 0)
		printf("%llu cannot be read to the end: see the files "
		       "*.damaged\n",
		       (unsigned long long)e.n_short);
	if (r == COMMAND_DONE && e.n_changed + e.n_short > 0)
		r = COMMAND_WRONG;
	return r;
}

/* What a request for a rule did to the rules, besides to messages. */
static void
tell_rule(const char *verb, struct slice fields)
{
	struct slice value;

	if (!entry_attr(fields, "rule", &value))
		return;
	if (strcmp(verb, "hold") == 0)
		complain(SLICE("there is a rule now that also holds what comes "
			       "later; see quail queue holds"));
	else if (slice_eq(value, SLICE("0")))
		complain(SLICE("there is no such rule; quail queue holds lists "
			       "those there are"));
}

/* Takes said: "removed", "this would remove". */
static int
count(struct talk *t, const char *verb, const char *said, const char *behind)
{
	struct slice body = {"", 0};
	uint64_t n;
	char letter;
	int r;

	while (!is_end(letter = talk_next(t, &body)))
		if (letter == 'x')
			missing(body);
		else if (letter == 'y')
			set_aside(body);
	r = exit_code(letter, body);
	if (letter != 'K')
		return r;
	tell_rule(verb, body);
	n = count_of(body, "n");
	printf("%s %llu message%s%s\n", said, (unsigned long long)n,
	       n == 1 ? "" : "s", behind);
	return r;
}

/* Patterns may mean more than one thinks. */
static int
only_say(struct talk *t, const struct args *a)
{
	char said[32];
	int r = ask(t, "count", buf_slice(&a->selection));

	if (r != COMMAND_DONE)
		return r;
	snprintf(said, sizeof said, "this would %s", a->verb);
	r = count(t, a->verb, said, "; say --yes to do it");
	return r == COMMAND_DONE ? COMMAND_WRONG : r;
}

static int
carry_out(struct talk *t, const struct verb *verb, const struct args *a)
{
	int r;

	if ((verb->is & ASKS) && (a->has_pattern || a->is_all) && !a->is_yes)
		return only_say(t, a);
	r = ask(t, verb->name, buf_slice(&a->selection));
	if (r != COMMAND_DONE)
		return r;
	if (verb->is & CHANGES)
		return count(t, verb->name, verb->done, "");
	if (a->export_to)
		return export_all(t, a->export_to);
	if (strcmp(verb->name, "cat") == 0)
		return print_text(t);
	return print_all(t, a);
}

static int
run(const struct verb *verb, const struct args *a)
{
	struct talk t;
	int r = talk_open(&t, verb->is & READS);

	if (r == COMMAND_DONE)
		r = carry_out(&t, verb, a);
	talk_close(&t);
	if (fflush(stdout) != 0 && r == COMMAND_DONE) {
		perror("quail: standard output");
		r = COMMAND_LATER;
	}
	return r;
}

/* The node's directory becomes ours, but TO was meant from here. */
static int
enter(struct args *a, char **path)
{
	char *here = NULL;

	if (a->export_to && a->export_to[0] != '/') {
		here = getcwd(NULL, 0);
		if (!here || asprintf(path, "%s/%s", here, a->export_to) < 0)
			die_sys("finding the current directory", NULL);
		free(here);
		a->export_to = *path;
	}
	return enter_node(a->dir);
}

int
queue_command(int argc, char **argv)
{
	struct args a = {0};
	const struct verb *verb = NULL;
	char *path = NULL;
	int r = args_parse(&a, argc, argv);

	if (r == COMMAND_DONE) {
		verb = find(a.verb);
		r = verb ? enter(&a, &path) : args_usage();
	}
	if (r == COMMAND_DONE)
		r = run(verb, &a);
	buf_free(&a.selection);
	free(path);
	return r;
}
