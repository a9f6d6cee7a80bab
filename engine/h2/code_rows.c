/* SPDX-License-Identifier: Apache-2.0 */
/* The words of HTTP/2's error codes, RFC 9113 7. */
#include "muster/h2.h"

static const char *const words[] = {
	"NO_ERROR",          "PROTOCOL_ERROR",      "INTERNAL_ERROR", "FLOW_CONTROL_ERROR",
	"SETTINGS_TIMEOUT",  "STREAM_CLOSED",       "FRAME_SIZE_ERROR", "REFUSED_STREAM",
	"CANCEL",            "COMPRESSION_ERROR",   "CONNECT_ERROR",  "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
};

const char *mst_h2_code_word(uint32_t code)
{
	return code < MST_LEN(words) ? words[code] : "unknown code";
}
