/* quail - the operator's command; see doc/quail.1 */
#include "lib/fs.h"
#include "lib/log.h"
#include "queue/check_cmd.h"
#include "queue/command.h"
#include "queue/compile.h"
#include "queue/explain.h"
#include "queue/import_cmd.h"
#include "queue/key_cmd.h"
#include "queue/queue_cmd.h"
#include "queue/run.h"

#include <stdio.h>
#include <string.h>

#define VERSION "0.1"

static int
help_command(int argc, char **argv);

static int
version_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("quail " VERSION);
	return COMMAND_DONE;
}

static const struct {
	const char *name, *arguments, *does;
	int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "DIR", "run a whole node in the foreground", run_command},
    {"build", "[--diff [SAMPLE]] DIR",
     "check and compile the tables, or say what that would change",
     compile_command},
    {"rollback", "DIR", "go by the configuration before that again",
     rollback_command},
    {"import", "qmail|postfix|nullmailer FROM TO",
     "make tables of another program's", import_command},
    {"explain", "[-d DIR] ADDRESS...", "say where mail goes, how, and why",
     explain_command},
    {"check", "--sandbox [-d DIR]", "say what this host gives the daemons",
     check_command},
    {"key", "[-o DIR]|--pin FILE", "make a key for TLS, or print a pin",
     key_command},
    {"queue", "[-d DIR] list ...",
     "look at the queue, and change what is in it", queue_command},
    {"help", "", "print this", help_command},
    {"version", "", "print the version", version_command},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void
print_help(FILE *to)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		fprintf(to, "%s quail %-8s %-22s %s\n",
			i == 0 ? "usage:" : "      ", commands[i].name,
			commands[i].arguments, commands[i].does);
}

static int
help_command(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_help(stdout);
	return COMMAND_DONE;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	int r = COMMAND_WRONG;
	size_t i;

	log_guard();
	fs_guard();
	if (strcmp(name, "--help") == 0 || strcmp(name, "--version") == 0)
		name += 2;
	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			break;
	if (i < N_COMMANDS)
		r = commands[i].run(argc - 1, argv + 1);
	else
		print_help(stderr);
	log_finish();
	return r;
}
