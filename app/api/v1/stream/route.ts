import { apiRoute } from '@/app/api-route';
import { openStream } from '@/app/api-stream';
import { parseTopics } from '@/lib/services/stream/parse-topics';

export const GET = apiRoute('GET /api/v1/stream', {}, ({ ctx, request, query }) =>
  openStream(ctx, request, parseTopics(query.get('topics') ?? '')),
);
