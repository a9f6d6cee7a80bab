/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer of the push service means: Apple, "Handling notification responses from APNs", one row for each reason. */
#include <string.h>

#include "own.h"

#define ANY "" /* every other reason of this status */

static const struct {
	int status;
	const char *reason;
	enum push_verdict verdict;
} rows[] = {
	{200, ANY, VERDICT_DONE},
	{400, "BadDeviceToken", VERDICT_BAD_TOKEN},
	{400, "DeviceTokenNotForTopic", VERDICT_BAD_TOKEN},
	{400, "IdleTimeout", VERDICT_RETRY_ELSEWHERE},
	{400, "BadTopic", VERDICT_STOP_TOPIC},
	{400, "MissingTopic", VERDICT_STOP_TOPIC},
	{400, "TopicDisallowed", VERDICT_STOP_TOPIC},
	{400, ANY, VERDICT_BUG}, /* BadCollapseId, BadExpirationDate, BadMessageId, BadPriority, DuplicateHeaders, InvalidPushType,
				  * MissingDeviceToken, PayloadEmpty */
	{403, "ExpiredProviderToken", VERDICT_RETRY_TOKEN},
	{403, ANY, VERDICT_STOP_TOPIC}, /* BadCertificate, BadCertificateEnvironment, Forbidden, InvalidProviderToken,
					 * MissingProviderToken, UnrelatedKeyIdInToken, BadEnvironmentKeyIdInToken */
	{404, ANY, VERDICT_BUG}, /* BadPath */
	{405, ANY, VERDICT_BUG}, /* MethodNotAllowed */
	{410, ANY, VERDICT_GONE}, /* Unregistered, ExpiredToken */
	{413, ANY, VERDICT_BUG}, /* PayloadTooLarge */
	{429, "TooManyProviderTokenUpdates", VERDICT_RETRY}, /* the token is kept: token.c renews none before 20 minutes */
	{429, ANY, VERDICT_HOLD},
	{500, ANY, VERDICT_RETRY},
	{503, "Shutdown", VERDICT_RETRY_ELSEWHERE},
	{503, ANY, VERDICT_RETRY},
};

enum push_verdict mst_answer_judge(const struct push_answer *answer)
{
	if (answer->end == PUSH_LOST)
		return VERDICT_RETRY;
	if (answer->end == PUSH_UNSENT)
		return VERDICT_RETRY_ELSEWHERE;
	for (size_t i = 0; i < MST_LEN(rows); i++)
		if (rows[i].status == answer->status && (!rows[i].reason[0] || strcmp(rows[i].reason, answer->reason) == 0))
			return rows[i].verdict;
	/* A status Apple does not name: 2xx never comes, 5xx is the service's trouble, the rest is ours. */
	return answer->status >= 500 ? VERDICT_RETRY : VERDICT_BUG;
}
