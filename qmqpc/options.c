#include "qmqpc/options.h"

#include <sysexits.h>

/* Flags that mean nothing here: without a value, with one, and with one
 * only when it is attached. */
static const char no_value[] = "EGJQTUcmnsx";
static const char a_value[] = "ABCDLMNORVXehp";
static const char attached_value[] = "d";

struct arguments {
	char **next, **end;
	const char *flags; /* rest of a cluster such as "ti" of "-ti" */
};

static int
refuse(struct buf *why, int code, const char *what, const char *object,
       size_t len)
{
	buf_text(why, what);
	buf_put(why, object, len);
	return code;
}

/* The value of a flag: the rest of its argument, or the next one. */
static const char *
value(struct arguments *a)
{
	const char *rest = a->flags;

	a->flags = "";
	if (*rest)
		return rest;
	return a->next < a->end ? *a->next++ : NULL;
}

static int
mode(struct options *o, const char *letter, struct buf *why)
{
	switch (*letter) {
	case 'm': return 0;
	case 'i': o->mode = OPTIONS_ALIASES; return 0;
	case 'p': o->mode = OPTIONS_MAILQ; return 0;
	case 's': o->mode = OPTIONS_SMTP; return 0;
	case 'd':
	case 'D':
		return refuse(why, EX_USAGE, "there is no daemon here: -b",
			      letter, 1);
	case 'a':
	case 'h':
	case 'H':
	case 'P':
	case 't':
	case 'v':
		return refuse(why, EX_UNAVAILABLE,
			      "this mode is not offered here: -b", letter, 1);
	default:
		return refuse(why, EX_USAGE, "unknown mode: -b", letter,
			      strlen(letter));
	}
}

static int
flag_with_value(struct options *o, struct arguments *a, char flag,
		struct buf *why)
{
	const char *v = value(a);

	if (!v)
		return refuse(why, EX_USAGE, "this flag wants a value: -",
			      &flag, 1);
	switch (flag) {
	case 'b': return mode(o, v, why);
	case 'f':
	case 'r': o->sender = v; break;
	case 'F': o->name = v; break;
	case 'o':
		if (strcmp(v, "i") == 0)
			o->dots_are_text = true;
		break;
	}
	return 0;
}

static int
flag(struct options *o, struct arguments *a, struct buf *why)
{
	char c = *a->flags++;

	switch (c) {
	case 't': o->from_header = true; return 0;
	case 'i': o->dots_are_text = true; return 0;
	case 'v': o->is_verbose = true; return 0;
	case 'I': o->mode = OPTIONS_ALIASES; return 0;
	case 'q':
		return refuse(why, EX_UNAVAILABLE,
			      "this mode is not offered here: -", "q", 1);
	}
	if (strchr(no_value, c))
		return 0;
	if (strchr(attached_value, c)) {
		a->flags = "";
		return 0;
	}
	if (strchr("bfrFo", c) || strchr(a_value, c))
		return flag_with_value(o, a, c, why);
	return refuse(why, EX_USAGE, "unknown flag: -", &c, 1);
}

/* Behind the options: recipients only. */
static int
recipients(struct options *o, struct arguments *a, bool anything,
	   struct buf *why)
{
	char **r;

	o->rcpts = a->next;
	o->n_rcpts = (size_t)(a->end - a->next);
	for (r = a->next; r < a->end; r++) {
		if (**r == '-' && !anything)
			return refuse(why, EX_USAGE,
				      "options come before recipients, and a "
				      "recipient like this after \"--\": ",
				      *r, strlen(*r));
	}
	return 0;
}

static void
called_as(struct options *o, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strcmp(name, "newaliases") == 0)
		o->mode = OPTIONS_ALIASES;
	if (strcmp(name, "qmail-queue") == 0)
		o->mode = OPTIONS_QUEUE;
	if (strcmp(name, "qmail-inject") == 0)
		o->mode = OPTIONS_INJECT;
	if (strcmp(name, "mailq") == 0)
		o->mode = OPTIONS_MAILQ;
}

static bool
is_drain(const char *arg)
{
	return strcmp(arg, "--drain") == 0 || strcmp(arg, "--watch") == 0;
}

static int
drain(struct options *o, struct arguments *a, struct buf *why)
{
	o->mode = OPTIONS_DRAIN;
	for (; a->next < a->end && is_drain(*a->next); a->next++)
		if (strcmp(*a->next, "--watch") == 0)
			o->is_watch = true;
	if (a->next < a->end && **a->next != '-')
		o->dir = *a->next++;
	if (a->next == a->end)
		return 0;
	return refuse(why, EX_USAGE,
		      "only a directory goes with --drain: ", *a->next,
		      strlen(*a->next));
}

int
options_parse(struct options *o, int argc, char **argv, struct buf *why)
{
	struct arguments a = {argv + 1, argv + argc, ""};
	int code;

	*o = (struct options){0};
	if (argc < 1) /* execve allows it */
		a.next = a.end = argv;
	else
		called_as(o, argv[0]);
	if (o->mode == OPTIONS_INJECT) {
		o->rcpts = a.next;
		o->n_rcpts = (size_t)(a.end - a.next);
		return 0;
	}
	if (a.next < a.end && is_drain(*a.next))
		return drain(o, &a, why);
	while (a.next < a.end && (*a.next)[0] == '-' && (*a.next)[1]) {
		const char *arg = *a.next++;

		if (strcmp(arg, "--") == 0)
			return recipients(o, &a, true, why);
		if (strcmp(arg, "--help") == 0) {
			o->mode = OPTIONS_HELP;
			return 0;
		}
		a.flags = arg + 1;
		while (*a.flags)
			if ((code = flag(o, &a, why)) != 0)
				return code;
	}
	return recipients(o, &a, false, why);
}
