#include "queue/check_cmd.h"

#include "cdb/wall.h"
#include "lib/home.h"
#include "queue/command.h"
#include "queue/compile.h"
#include "queue/enter.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] = "usage: quail check --sandbox [--json] [-d DIR]\n";

static const struct {
	const char *name;
	enum sandbox_kind kind;
} daemons[] = {
    {"qmqpd", SANDBOX_FRONT},
    {"qmtpd", SANDBOX_FRONT},
    {"smtp-gateway-in", SANDBOX_FRONT},
    {"quail-queue", SANDBOX_QUEUE},
    {"qmtpc", SANDBOX_OUT},
    {"smtp-gateway-out", SANDBOX_OUT},
    {"maildir", SANDBOX_MAILDIR},
    {"quail-leafdoor", SANDBOX_LEAFDOOR},
    {"drain", SANDBOX_DRAIN},
};

enum { N_DAEMONS = sizeof daemons / sizeof *daemons };

static _Noreturn void
enter(enum sandbox_kind kind, int fd)
{
	const struct sandbox_path here = {".", SANDBOX_READ};
	struct sandbox s;

	sandbox_files(&s, kind, &here, 1);
	sandbox_calls(&s, kind);
	_exit(write(fd, &s, sizeof s) != sizeof s);
}

/* What it would be given; nothing where not even that can be found out. */
static struct sandbox
given(enum sandbox_kind kind)
{
	struct sandbox s = {0};
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		return s;
	pid = fork();
	if (pid == 0)
		enter(kind, ends[1]);
	close(ends[1]);
	if (pid > 0 && read(ends[0], &s, sizeof s) != sizeof s)
		s = (struct sandbox){0};
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return s;
}

static const char *
word(enum wall_way way)
{
	return way == WALL_OFF	     ? "off"
	       : way == WALL_REQUIRE ? "require"
				     : "try";
}

static void
print(const char *name, const struct sandbox *s)
{
	bool whole = sandbox_is_whole(s);

	printf("%-17s landlock=%d seccomp=%s %s%s\n", name, s->landlock,
	       s->seccomp ? "yes" : "no", whole ? "whole" : "INCOMPLETE: ",
	       whole ? "" : sandbox_missing(s));
}

static void
print_json(const char *name, const struct sandbox *s, bool first)
{
	printf("%s{\"name\":\"%s\",\"landlock\":%d,\"seccomp\":%s,"
	       "\"whole\":%s",
	       first ? "" : ",", name, s->landlock,
	       s->seccomp ? "true" : "false",
	       sandbox_is_whole(s) ? "true" : "false");
	if (!sandbox_is_whole(s))
		printf(",\"why\":\"%s\"", sandbox_missing(s));
	putchar('}');
}

static int
check_sandbox(enum wall_way way, bool json)
{
	bool good = true;
	size_t i;

	printf(json ? "{\"sandbox\":\"%s\",\"daemons\":["
		    : "the table sandbox says %s\n",
	       word(way));
	fflush(stdout); /* a child has nothing of it to write */
	for (i = 0; i < N_DAEMONS; i++) {
		struct sandbox s = given(daemons[i].kind);

		good = good && sandbox_is_whole(&s);
		if (json)
			print_json(daemons[i].name, &s, i == 0);
		else
			print(daemons[i].name, &s);
		fflush(stdout);
	}
	if (json)
		puts("]}");
	if (!good && !json)
		puts("INCOMPLETE: this kernel, an outer sandbox or the way in "
		     "which quail was built does not give all; see "
		     "quail-sandbox(7)");
	return (good || way == WALL_OFF) && fflush(stdout) == 0 ? COMMAND_DONE
								: COMMAND_LATER;
}

static int
check_node(const char *dir, bool json)
{
	struct buf why = {0};
	struct config c;
	int r;

	if (enter_node(dir) != COMMAND_DONE)
		return COMMAND_WRONG;
	if (config_open(&c, HOME_CONFIG, &why) != 0) {
		fprintf(stderr, "quail: %.*s\n", (int)why.len,
			buf_slice(&why).at);
		buf_free(&why);
		return COMMAND_WRONG;
	}
	compile_say_newer();
	r = check_sandbox(wall_way(&c), json);
	config_close(&c);
	return r;
}

int
check_command(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"sandbox", no_argument, NULL, 's'},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0}};
	const char *dir = getenv("QUAIL_DIR");
	bool json = false, sandbox = false;
	int option;

	if (!dir || !*dir)
		dir = "/etc/quail";
	while ((option = getopt_long(argc, argv, "+d:", longs, NULL)) != -1)
		switch (option) {
		case 'd': dir = optarg; break;
		case 'j': json = true; break;
		case 's': sandbox = true; break;
		default: fputs(usage, stderr); return COMMAND_WRONG;
		}
	if (!sandbox || optind != argc) {
		fputs(usage, stderr);
		return COMMAND_WRONG;
	}
	return check_node(dir, json);
}
