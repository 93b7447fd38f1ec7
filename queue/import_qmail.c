/* import_qmail.c - a qmail directory: control/, users/assign, alias/.qmail*,
 * and tcp.smtp wherever it lies */
#include "queue/import_cmd.h"

#include <dirent.h>
#include <stdio.h>

/* Files whose lines mean the same here. */
static void
copy(struct import *i, const char *name)
{
	char file[64];
	struct buf text = {0};
	struct slice rest, line;

	snprintf(file, sizeof file, "control/%s", name);
	if (import_read(i, file, &text)) {
		rest = buf_slice(&text);
		while (import_line(&rest, &line))
			if (line.len > 0 && line.at[0] != '#') {
				import_put_slice(i, line);
				import_put(i, "\n", NULL);
			}
		import_end(i, name);
	}
	buf_free(&text);
}

/* The first line of control/me; locals that is not there is that name. */
static void
take_names(struct import *i)
{
	struct buf text = {0};
	struct slice rest, line = {"", 0};

	if (import_read(i, "control/me", &text)) {
		rest = buf_slice(&text);
		import_line(&rest, &line);
		buf_puts(&i->me, line);
		import_put_slice(i, line);
		import_put(i, "\n", NULL);
		import_end(i, "me");
	}
	if (!import_read(i, "control/locals", &text)) {
		import_put_slice(i, buf_slice(&i->me));
		import_put(i, "\n", NULL);
		import_end(i, "locals");
	} else {
		copy(i, "locals");
	}
	if (!import_read(i, "control/rcpthosts", &text)) {
		import_left(i, "control/rcpthosts", SLICE("no such file"),
			    "qmail then takes mail for any domain, an open "
			    "relay; only locals are taken here");
		import_end(i, "rcpthosts");
	} else {
		copy(i, "rcpthosts");
	}
	buf_free(&text);
}

/* Where mail for no route of its own goes: qmail asks the DNS. */
static void
take_routes(struct import *i)
{
	struct buf text = {0};
	struct slice rest, line;
	bool all = false;

	if (import_read(i, "control/smtproutes", &text)) {
		rest = buf_slice(&text);
		while (import_line(&rest, &line)) {
			if (line.len == 0 || line.at[0] == '#')
				continue;
			all |= line.at[0] == ':';
			import_put_slice(i, line);
			import_put(i, "\n", NULL);
		}
	}
	if (!all)
		import_put(i, "# qmail's default, now written down\n::\n",
			   NULL);
	import_end(i, "smtproutes");
	buf_free(&text);
}

/* +LOCAL:user:uid:gid:home:dash:ext: or =LOCAL:... -> LOCAL@me */
static void
take_assign(struct import *i, struct slice line)
{
	struct slice field[7];
	bool prefix = line.at[0] == '+';
	size_t n;

	line = slice_from(line, 1);
	for (n = 0; n < 7; n++) {
		size_t colon = slice_find(line, ':');

		field[n] = slice_of(line.at, colon);
		if (colon == line.len)
			break;
		line = slice_from(line, colon + 1);
	}
	if (n < 6 || (field[0].len == 0 && !prefix)) {
		import_left(i, "users/assign", field[0],
			    "this line has not seven fields");
		return;
	}
	if (field[0].len > 0 && prefix &&
	    field[0].at[field[0].len - 1] != '-') {
		import_left(i, "users/assign", field[0],
			    "a prefix must end with a dash here");
		return;
	}
	import_put_slice(i, field[0]);
	import_put(i, prefix ? "*@" : "@", NULL);
	import_put_slice(i, buf_slice(&i->me));
	import_put(i, "  maildir:", NULL);
	import_put_slice(i, field[4]);
	import_put(i, "/Maildir\n", NULL);
}

/* One file of alias/: forwards become an alias, a Maildir a mailbox. */
static void
take_alias(struct import *i, const char *file, struct buf *aliases)
{
	char name[512];
	struct buf text = {0}, targets = {0};
	struct slice rest, line, key = slice_text(file + 7);
	bool fallback = slice_eq(key, SLICE("default"));
	size_t n;

	snprintf(name, sizeof name, "alias/%s", file);
	if (!import_read(i, name, &text))
		return;
	rest = buf_slice(&text);
	while (import_line(&rest, &line)) {
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (line.at[0] == '&')
			line = slice_trim(slice_from(line, 1));
		else if (line.at[0] == '|' || line.at[0] == '.' ||
			 line.at[0] == '/') {
			import_left(i, name, line,
				    line.at[0] == '|'
					? "programs are not run"
					: "name the mailbox in users");
			continue;
		}
		buf_putc(&targets, ' ');
		buf_puts(&targets, line);
		if (slice_find(line, '@') == line.len) {
			buf_putc(&targets, '@');
			buf_puts(&targets, buf_slice(&i->me));
		}
	}
	if (targets.len > 0) {
		if (fallback)
			buf_putc(aliases, '*');
		for (n = 0; n < key.len && !fallback; n++) /* its dots */
			buf_putc(aliases, key.at[n] == ':' ? '.' : key.at[n]);
		buf_putc(aliases, '@');
		buf_puts(aliases, buf_slice(&i->me));
		buf_puts(aliases, buf_slice(&targets));
		buf_putc(aliases, '\n');
	}
	buf_free(&text);
	buf_free(&targets);
}

static void
take_users(struct import *i)
{
	struct buf text = {0}, aliases = {0}, path = {0};
	struct slice rest, line;
	struct dirent *entry;
	DIR *dir;

	if (import_read(i, "users/assign", &text)) {
		rest = buf_slice(&text);
		while (import_line(&rest, &line))
			if (line.len > 0 &&
			    (line.at[0] == '=' || line.at[0] == '+'))
				take_assign(i, line);
	} else {
		import_left(i, "users/assign", SLICE("no such file"),
			    "qmail takes the system's users; write a line for "
			    "each that gets mail");
	}
	buf_text(&path, i->from);
	buf_put(&path, "/alias", 7);
	dir = opendir(path.mem);
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, ".qmail-", 7) == 0)
			take_alias(i, entry->d_name, &aliases);
	if (dir)
		closedir(dir);
	import_end(i, "users");
	buf_puts(&i->table, buf_slice(&aliases));
	import_end(i, "aliases");
	buf_free(&text);
	buf_free(&aliases);
	buf_free(&path);
}

static void
take_access(struct import *i)
{
	static const char *const places[] = {"tcp.smtp", "control/tcp.smtp",
					     "etc/tcp.smtp", "rules/tcp.smtp"};
	struct buf text = {0};
	struct slice rest, line;
	size_t n;

	for (n = 0; n < sizeof places / sizeof *places; n++)
		if (import_read(i, places[n], &text))
			break;
	rest = buf_slice(&text);
	while (import_line(&rest, &line)) {
		if (line.len == 0 || line.at[0] == '#')
			continue;
		if (line.at[0] == '=' ||
		    slice_find(line, '@') < slice_find(line, ':')) {
			import_left(i, "tcp.smtp", line,
				    "clients are known by address or key "
				    "here, not by name");
			continue;
		}
		import_put_slice(i, line);
		import_put(i, "\n", NULL);
	}
	import_end(i, "access");
	buf_free(&text);
}

/* What is there and has no counterpart. */
static void
tell_others(struct import *i)
{
	static const struct {
		const char *name, *why;
	} others[] = {
	    {"badmailfrom", "use a route with from= that says reject"},
	    {"percenthack", "nobody should need it any more"},
	    {"envnoathost", "an address without @ is at me"},
	    {"defaultdomain", "the leaf writes full names; see rewrite"},
	    {"defaulthost", "the leaf writes full names; see rewrite"},
	    {"plusdomain", "the leaf writes full names; see rewrite"},
	    {"idhost", "Message-IDs bear me"},
	    {"localiphost", "write the domain in full"},
	    {"smtpgreeting", "the greeting bears me"},
	    {"qmtproutes", "write qmtp:HOST:PORT in routes"}};
	struct buf text = {0};
	char file[64];
	size_t n;

	for (n = 0; n < sizeof others / sizeof *others; n++) {
		snprintf(file, sizeof file, "control/%s", others[n].name);
		if (import_read(i, file, &text))
			import_left(i, file, SLICE("the file"), others[n].why);
	}
	import_end(i, "IMPORTED");
	buf_free(&text);
}

void
import_qmail(struct import *i)
{
	static const char *const same[] = {
	    "virtualdomains", "morercpthosts",	  "qmqpservers",
	    "queuelifetime",  "concurrencylocal", "concurrencyremote",
	    "databytes",      "bouncefrom",	  "bouncehost",
	    "doublebounceto", "doublebouncehost", "helohost",
	    "timeoutconnect", "timeoutremote",	  "timeoutsmtpd"};
	size_t n;

	take_names(i);
	for (n = 0; n < sizeof same / sizeof *same; n++)
		copy(i, same[n]);
	take_routes(i);
	take_users(i);
	take_access(i);
	tell_others(i);
}
