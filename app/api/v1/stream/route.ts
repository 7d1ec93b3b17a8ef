import { z } from 'zod';
import { apiRoute } from '@/app/api-route';
import { openStream } from '@/app/api-stream';
import { parseTopics } from '@/lib/services/stream/parse-topics';

const Search = z.object({
  topics: z
    .string()
    .default('')
    .describe('1 to 32 of sites, runs, site:ID, jobs:ID, job:ID, run:ID@N, separated by commas.'),
});

export const GET = apiRoute(
  'GET /api/v1/stream',
  {
    summary: 'Follows several topics in one stream.',
    search: Search,
    requestHeaders: {
      'Last-Event-ID': { required: false, words: 'Goes on after the last event that was received.' },
    },
    files: { 'text/event-stream': 'The present state of each topic, then its changes.' },
  },
  ({ ctx, request, search }) => openStream(ctx, request, parseTopics(search.topics)),
);
