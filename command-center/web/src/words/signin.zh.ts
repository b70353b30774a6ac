/** Why the city's directory signed nobody in, in Chinese. */
export const zhSignIn = {
  "signin.refused": "没有登录成功：{reason}。",
  "signin.refusal.stale": "登录过期，请重试",
  "signin.refusal.denied": "统一认证未通过",
  "signin.refusal.away": "统一认证暂时连不上",
  "signin.refusal.answer": "统一认证的应答无法使用",
  "signin.refusal.form": "令牌格式不对",
  "signin.refusal.signature": "令牌签名不对",
  "signin.refusal.issuer": "令牌不是本认证方签发",
  "signin.refusal.audience": "令牌不是给本系统的",
  "signin.refusal.time": "令牌已过期，请核对时钟",
  "signin.refusal.nonce": "令牌不属于这次登录",
  "signin.refusal.unmapped": "您所在的组没有权限，请联系管理员",
  "signin.refusal.unknown": "您还没有账号，请联系管理员",
  "signin.refusal.taken": "同名账号已存在，请联系管理员",
  "signin.refusal.disabled": "账号已停用",
};
