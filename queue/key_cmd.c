#include "queue/key_cmd.h"

#include "lib/tls_key.h"
#include "queue/command.h"
#include "queue/key_group.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CERT "cert.pem"
#define KEY  "key.pem"
#define NEW  ".new"

enum { NAME_BYTES_MAX = 64, PIN_OPTION = 256, FORCE_OPTION };

static int
usage(void)
{
	fprintf(stderr, "usage: quail key [--force] [-n NAME] [-o DIR]\n"
			"       quail key --pin FILE...\n");
	return COMMAND_WRONG;
}

static int
failed(const char *what, const char *object)
{
	fprintf(stderr, "quail key: %s %s: %s\n", what, object,
		strerror(errno));
	return COMMAND_LATER;
}

static void
print_pin(const struct tls_pin *pin, const char *behind)
{
	struct buf text = {0};

	tls_pin_put(&text, pin);
	printf("%.*s%s%s\n", (int)text.len, buf_slice(&text).at,
	       *behind ? "  " : "", behind);
	buf_free(&text);
}

static int
print_pins(char **files)
{
	bool many = files[0] && files[1];
	struct buf why = {0};
	int result = *files ? COMMAND_DONE : usage();

	for (; *files; files++) {
		struct tls_pin pin;

		if (tls_key_file_pin(*files, &pin, &why) == 0) {
			print_pin(&pin, many ? *files : "");
			continue;
		}
		fprintf(stderr, "quail key: %.*s\n", (int)why.len,
			buf_slice(&why).at);
		buf_clear(&why);
		result = COMMAND_WRONG;
	}
	buf_free(&why);
	return result;
}

/* What certificates are called does not matter to us: this host, as far as
 * its name is one. */
static void
host_name(char name[NAME_BYTES_MAX + 1])
{
	if (gethostname(name, NAME_BYTES_MAX) != 0)
		*name = 0;
	name[NAME_BYTES_MAX] = 0;
}

static bool
name_good(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n > 0 && n <= NAME_BYTES_MAX && name[n] == 0;
}

/* Into NAME.new, synced; the old file is not touched. */
static int
write_new(int dir, const char *name, const struct buf *text, mode_t mode)
{
	struct slice s = buf_slice(text);
	int fd, r;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return -1;
	r = write(fd, s.at, s.len) == (ssize_t)s.len && fsync(fd) == 0 ? 0 : -1;
	close(fd);
	return r;
}

static bool
is_there(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The certificate goes last: who has it, has the key as well. */
static int
put_files(int dir, const char *at, const struct buf *cert,
	  const struct buf *key)
{
	/* A daemon that takes it up must be able to read it at once. */
	if (write_new(dir, KEY NEW, key, 0600) != 0 ||
	    key_group_mend(dir, KEY NEW) == KEY_GROUP_WRONG ||
	    write_new(dir, CERT NEW, cert, 0644) != 0 ||
	    renameat(dir, KEY NEW, dir, KEY) != 0 ||
	    renameat(dir, CERT NEW, dir, CERT) != 0 || fsync(dir) != 0)
		return failed("cannot write into", at);
	return COMMAND_DONE;
}

static int
make(const char *at, const char *name, bool force)
{
	struct buf cert = {0}, key = {0};
	struct tls_pin pin;
	int dir, result;

	if (mkdir(at, 0755) != 0 && errno != EEXIST)
		return failed("cannot make", at);
	dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return failed("cannot open", at);
	if (!force && (is_there(dir, KEY) || is_there(dir, CERT))) {
		fprintf(stderr,
			"quail key: %s has a " KEY " or " CERT
			" already; --force replaces them\n",
			at);
		close(dir);
		return COMMAND_WRONG;
	}
	tls_key_make(name, &cert, &key, &pin);
	result = put_files(dir, at, &cert, &key);
	if (result == COMMAND_DONE)
		print_pin(&pin, "");
	explicit_bzero(key.mem, key.cap);
	buf_free(&key);
	buf_free(&cert);
	close(dir);
	return result;
}

int
key_command(int argc, char **argv)
{
	static const struct option options[] = {
	    {"pin", no_argument, NULL, PIN_OPTION},
	    {"force", no_argument, NULL, FORCE_OPTION},
	    {NULL, 0, NULL, 0}};
	const char *at = ".", *name = NULL;
	char host[NAME_BYTES_MAX + 1];
	bool force = false, pin = false;
	int c;

	while ((c = getopt_long(argc, argv, "n:o:", options, NULL)) != -1)
		switch (c) {
		case 'n': name = optarg; break;
		case 'o': at = optarg; break;
		case PIN_OPTION: pin = true; break;
		case FORCE_OPTION: force = true; break;
		default: return usage();
		}
	if (pin)
		return print_pins(argv + optind);
	umask(022); /* modes are what they say */
	if (optind < argc || (name && !name_good(name)))
		return usage();
	host_name(host);
	if (!name)
		name = name_good(host) ? host : "quail";
	return make(at, name, force);
}
