/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a fuzzer's corpus as a test: runs the target on every file of the folders named, and on
 * each prefix of small ones. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX  (1 << 20)
#define PREFIX_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of exactly that length, so that the sanitizer sees a read past its end. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static int replay(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	if (!file)
		return -1;
	size_t len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	run(bytes, len);
	for (size_t i = 0; len <= PREFIX_MAX && i < len; i++)
		run(bytes, i);
	return 0;
}

static int replay_folder(const char *folder, size_t *num)
{
	char path[4096];
	struct dirent *entry;
	DIR *dir = opendir(folder);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (len < 0 || (size_t)len >= sizeof(path) || replay(path) < 0) {
			closedir(dir);
			return -1;
		}
		++*num;
	}
	closedir(dir);
	return 0;
}

int main(int argc, char **argv)
{
	size_t num = 0;
	for (int i = 1; i < argc; i++) {
		if (replay_folder(argv[i], &num) < 0) {
			fprintf(stderr, "cannot read %s\n", argv[i]);
			return 1;
		}
	}
	printf("%zu inputs\n", num);
	return num ? 0 : 1;
}
