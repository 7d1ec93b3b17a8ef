import { describe, expect, it } from 'vitest';
import { findSiteId, toCrumbs } from './navigation';

const nameOf = (id: string) => (id === 's-1' ? 'hamburg' : null);
const words = (path: string) => toCrumbs(path, nameOf).map((crumb) => crumb.word);

describe('toCrumbs', () => {
  it('names the way to a page', () => {
    expect(words('/')).toEqual(['Fleet']);
    expect(words('/sites/s-1/topology')).toEqual(['Fleet', 'hamburg', 'Topology']);
    expect(words('/sites/new/hosts')).toEqual(['Fleet', 'New site']);
    expect(words('/runs/r-7')).toEqual(['Runs', 'r-7']);
    expect(words('/settings/tokens')).toEqual(['Settings', 'API tokens']);
  });

  it('links every crumb but the last', () => {
    expect(toCrumbs('/sites/s-1/nodes', nameOf).map((crumb) => crumb.href)).toEqual([
      '/',
      '/sites/s-1/topology',
      null,
    ]);
  });
});

describe('findSiteId', () => {
  it('finds the site of a path, and none in the wizard', () => {
    expect(findSiteId('/sites/s-1/runs')).toBe('s-1');
    expect(findSiteId('/sites/new/hosts')).toBeNull();
    expect(findSiteId('/runs')).toBeNull();
  });
});
