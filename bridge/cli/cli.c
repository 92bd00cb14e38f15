/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

static enum exit_code help_main(int argc, char **argv);

static enum exit_code version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("mqbridge %s\n", MQB_VERSION);
	return EXIT_OK;
}

static enum exit_code markdown_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	options_print_markdown(stdout);
	return EXIT_OK;
}

struct command {
	const char *name;
	enum exit_code (*run)(int argc, char **argv);
	const char *usage, *doc; /* doc NULL: not shown */
};

static const struct command commands[] = {
	{"serve", serve_main, "[--config FILE]... [--data DIR] [--set key=value]...",
	 "run the daemon (serve --help lists the settings)"},
	{"status", status_main, "[--json]", "what the running daemon does"},
	{"health", health_main, "", "exit code 0 when it is ready; needs no user"},
	{"user", user_main, "add NAME [--password P] [--tags T] [--vhost V] | delete NAME | list | passwd NAME",
	 "users and their permissions"},
	{"key", key_main, "create [USER] [--vhost V] | delete ID | list", "access keys for SQS and SNS clients"},
	{"bench", bench_main, "[URI] [--against URI] [--case a,b,...] [--seconds N] [--json]",
	 "load on an AMQP 0-9-1 or SQS server (bench --help)"},
	{"version", version_main, "", "the version"},
	{"help", help_main, "", "this text"},
	{"options-markdown", markdown_main, "", NULL},
};

static enum exit_code help_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("usage: mqbridge COMMAND ...\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (commands[i].doc)
			printf("  %-8s %s\n           %s\n", commands[i].name, commands[i].usage, commands[i].doc);
	printf("\nAll but serve and bench talk to a running daemon: --url URL (MQBRIDGE_URL, http://127.0.0.1:15672)\n"
	       "and --user NAME:PASSWORD (MQBRIDGE_USER, MQBRIDGE_PASSWORD, guest:guest).\n\n"
	       "exit codes: 0 done, 1 failed, 2 bad command line or settings, 3 refused as insecure,\n"
	       "4 data directory locked, newer or damaged, 5 address taken, 6 no daemon answers, 7 denied\n");
	return EXIT_OK;
}

static const char *plain_name(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	return strcmp(word, "--version") == 0 ? "version" : word;
}

enum exit_code cli_main(int argc, char **argv)
{
	const char *name = argc > 1 ? plain_name(argv[1]) : "help";
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0) {
			enum exit_code code = commands[i].run(argc - 1, argv + 1);
			return argc > 1 ? code : EXIT_USAGE;
		}
	fprintf(stderr, "mqbridge: no command '%s'; mqbridge help lists them\n", name);
	return EXIT_USAGE;
}
