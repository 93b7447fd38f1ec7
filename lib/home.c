#include "lib/home.h"

#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
home_enter(int argc, char **argv, const char *name, const char *usage)
{
	log_guard();
	fs_guard();
	log_program(name);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: %s\n", usage);
		fflush(stdout);
		_exit(0);
	}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s\n", usage);
		_exit(100);
	}
	umask(077);
	private_memory();
	descriptors_need(DESCRIPTORS_LEAST);
	if (chdir(argv[1]) == 0)
		return;
	if (errno == ENOENT || errno == ENOTDIR)
		die_config("cannot change into the node's directory; give one "
			   "that exists",
			   argv[1]);
	die_sys("changing into the node's directory", argv[1]);
}
