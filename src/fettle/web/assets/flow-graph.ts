// <flow-graph>: the server has drawn the steps already; dagre sets them out better and the edges follow.
import { Graph, layout } from "@dagrejs/dagre";

const svgNodes = (root: Element): SVGGElement[] => [...root.querySelectorAll<SVGGElement>("g.node[data-id]")];

class FlowGraph extends HTMLElement {
  connectedCallback(): void {
    const svg = this.querySelector("svg");
    if (svg) this.#arrange(svg);
  }

  #arrange(svg: SVGSVGElement): void {
    const graph = new Graph();
    graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 30, marginx: 8, marginy: 8 });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const node of svgNodes(svg)) {
      const box = node.querySelector("rect");
      graph.setNode(node.dataset["id"] ?? "", {
        width: Number(box?.getAttribute("width")),
        height: Number(box?.getAttribute("height")),
      });
    }
    const edges = [...svg.querySelectorAll<SVGPathElement>("path.edge[data-from]")];
    for (const edge of edges) graph.setEdge(edge.dataset["from"] ?? "", edge.dataset["to"] ?? "");
    layout(graph);
    for (const node of svgNodes(svg)) {
      const place = graph.node(node.dataset["id"] ?? "");
      node.setAttribute("transform", `translate(${place.x - place.width / 2} ${place.y - place.height / 2})`);
    }
    for (const edge of edges) {
      const { points } = graph.edge(edge.dataset["from"] ?? "", edge.dataset["to"] ?? "");
      edge.setAttribute("d", curve(points));
    }
    // dagre's own size counts the boxes; edges may run outside of them
    const points = edges.flatMap((edge) => graph.edge(edge.dataset["from"] ?? "", edge.dataset["to"] ?? "").points);
    const ys = points.map((point: { y: number }) => point.y);
    const own = graph.graph();
    const top = Math.min(0, ...ys.map((y: number) => y - 4));
    const width = own.width ?? 0;
    const height = Math.max(own.height ?? 0, ...ys.map((y: number) => y + 4)) - top;
    svg.setAttribute("viewBox", `0 ${top} ${width} ${height}`);
    svg.classList.toggle("wide", width > 1320);
    svg.setAttribute("width", String(width));
    svg.setAttribute("height", String(height));
  }
}

/** A line through the points that leaves and arrives level. */
function curve(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x},${first.y}`;
  let before = first;
  for (const point of rest) {
    const middle = (before.x + point.x) / 2;
    path += `C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`;
    before = point;
  }
  return path;
}

customElements.define("flow-graph", FlowGraph);
